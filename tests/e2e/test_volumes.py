# SPDX-License-Identifier: GPL-2.0-or-later
"""Images on volumes: B writes to where their bytes lie, C restores once they are assembled."""

import artifacts
from workload import make_file_system

MIB_SECTORS = 2048
DISK = "/dev/vda"

# A volume in two pieces, the first of them behind the second on the disk.
VOLUME = (f"0,{200 * MIB_SECTORS},linear,{DISK},{500 * MIB_SECTORS};"
          f"{200 * MIB_SECTORS},{256 * MIB_SECTORS},linear,{DISK},{16 * MIB_SECTORS}")


def test_mapping(make_system):
    system = make_system(initramfs=artifacts.guest_with("dmsetup"))
    machine = system.machine
    # For its UUID, by which B finds the disk.
    make_file_system(system.image.path)
    machine.boot(f"test.volume={VOLUME}")
    assert machine.device(system.image) == DISK
    machine.run("kjump format /dev/dm-0")
    system.configure("/dev/dm-0")
    system.workload.start(memory=16, cache=4)

    # What B could not write to is refused before the jump.
    machine.run("dmsetup create --noudevsync odd --table "
                f"'0 {64 * MIB_SECTORS} flakey {DISK} {800 * MIB_SECTORS} 1 0'")
    machine.run("kjump format /dev/dm-1")
    status, output = machine.call("kjump checkpoint --target /dev/dm-1")
    assert status == 1 and "flakey mapping" in output, output
    assert system.b_boots() == 0

    job = system.hibernate()
    mark = machine.boot(f"rd.kjump.resume=/dev/dm-0 test.volume={VOLUME}", ready=False)
    system.wait_for_a(mark)
    assert job.wait() == 0, job.output()
    system.workload.check()
    assert "restored" in machine.run("kjump info /dev/dm-0")
    system.workload.finish()
