# SPDX-License-Identifier: GPL-2.0-or-later
"""A's drivers go on with the hardware as it was: other disks in its places are not restored over."""

import pytest

from machine import Disk, MIB


def refused(system, append=""):
    """The boot refuses to restore, and the image stays. Returns the console."""
    machine = system.machine
    mark = machine.boot(f"{system.parameter} rd.kjump.timeout=2 rd.kjump.onfail=poweroff "
                        f"{append}", ready=False)
    machine.wait_exit()
    console = machine.console(mark)
    assert "image left valid" in console, console
    return console


@pytest.mark.full
def test_other_disks(make_system, tmp_path):
    """Disks in exchanged slots, one left out, one that is a copy."""
    mapped = Disk(tmp_path / "mapped.raw", 130 * MIB)
    system = make_system(disks=[mapped], programs=("dmsetup",), modules=("dm_mod",))
    machine, data = system.machine, system.workload.disk
    data.serial = "original"
    system.boot(memory=16, cache=4)
    # In use, and nothing on it that is watched.
    machine.run("dmsetup create --noudevsync volume --table "
                f"'0 2048 linear {machine.device(mapped)} 0'")
    job = system.hibernate()

    image, *others = machine.disks
    machine.disks = [data, image, mapped]
    console = refused(system)
    assert "disk vda at 0000:00:" in console and "is another one" in console, console
    assert "rd.kjump.force=devices" in console

    machine.disks = [image, data]
    console = refused(system)
    assert "disk vdc (no serial number, 136314880 bytes) is not there" in console, console

    machine.disks = [image, *others]
    data.serial = "copy"
    assert "was serial original, is serial copy" in refused(system)
    mark = machine.mark()
    system.restore(job, "rd.kjump.force=devices")
    console = machine.console(mark)
    assert "is serial copy" in console and "going on, as it is forced" in console, console
    system.workload.check()
    machine.run("dmsetup remove --noudevsync volume")
    system.workload.finish()


@pytest.mark.full
def test_other_runtime_map(make_system):
    """A boot that has mapped the EFI firmware elsewhere, here nowhere."""
    system = make_system(firmware="uefi")
    system.boot(memory=16, cache=4)
    job = system.hibernate()
    assert "no EFI runtime map (rd.kjump.force=efi" in refused(system, "efi=noruntime")
    mark = system.machine.mark()
    system.restore(job, "efi=noruntime rd.kjump.force=efi")
    assert "going on, as it is forced" in system.machine.console(mark)
    system.workload.check()
    system.workload.finish()


ACPI_RANGES = ("cd /sys/firmware/memmap && for n in $(grep -lx 'ACPI Tables' */type); do "
               "cat ${n%/*}/start ${n%/*}/end; done")
ACPI_TABLES = "cd /sys/firmware/acpi/tables && sha256sum [A-Z]*"


@pytest.mark.full
def test_tables_move(make_system, tmp_path):
    """The firmware puts its ACPI tables elsewhere at the next boot: A finds its own in their place."""
    system = make_system(firmware="uefi")
    machine = system.machine
    system.boot(memory=16, cache=4)
    ranges, tables = machine.run(ACPI_RANGES), machine.run(ACPI_TABLES)
    job = system.hibernate()

    more = tmp_path / "table"
    more.write_bytes(bytes(range(256)) * 100)
    machine.extra += ["-acpitable", f"sig=OEM1,data={more}"]
    machine.boot()
    assert machine.run(ACPI_RANGES) != ranges and machine.run(ACPI_TABLES) != tables
    machine.kill()

    system.restore(job)
    assert machine.run(ACPI_TABLES) == tables
    system.workload.check()
    system.workload.finish()
