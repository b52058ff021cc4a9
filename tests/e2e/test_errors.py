# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes wrong is said plainly, changes nothing that matters, and leaves A running."""

import hashlib
import re
import struct
import time

import pytest

import artifacts
from machine import Disk, MIB
from workload import make_file_system


def digest(disk):
    with open(disk.path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refused(system, command, *words):
    """COMMAND fails with status 1 and one line that has all WORDS."""
    status, output = system.machine.call(command)
    assert status == 1, f"status {status}: {output}"
    lines = output.strip().splitlines()
    assert any(all(word in line for word in words) for line in lines), output


@pytest.mark.full
def test_device_too_small(make_system, tmp_path):
    """Half-way through, B finds no room: A goes on, and can save to a bigger device."""
    small = Disk(tmp_path / "small.raw", 24 * MIB)
    system = make_system(disks=[small])
    machine = system.machine
    system.boot()
    machine.run(f"kjump format {machine.device(small)}")
    system.configure(machine.device(small))
    system.saved_boot = system.boot_id()
    mark = machine.mark()
    job = machine.start("kjump hibernate")
    assert job.wait(90) == 1, job.output()
    assert "space" in job.output() or "small" in job.output() or "full" in job.output()
    assert system.b_boots(mark) == 1
    system.workload.check()

    system.configure(f"UUID={system.uuid()}")
    system.checkpoint()
    system.workload.check()
    system.workload.finish()


def test_targets_that_are_none(make_system, tmp_path):
    """No target, one that was never formatted, one that holds something else."""
    ext4 = Disk(tmp_path / "ext4.raw", 65 * MIB)
    make_file_system(ext4.path)
    system = make_system(disks=[ext4])
    machine = system.machine
    machine.boot()
    system.workload.start(memory=4, cache=4)

    system.configure(None)
    refused(system, "kjump hibernate", "target")

    before = digest(system.image)
    device = machine.device(system.image)
    system.configure(device)
    refused(system, "kjump hibernate", device)
    refused(system, "kjump checkpoint", device)
    assert digest(system.image) == before, "written to a device that was never formatted"

    before = digest(ext4)
    device = machine.device(ext4)
    refused(system, f"kjump format {device}", device, "ext4", "--force")
    assert digest(ext4) == before
    machine.run(f"mount -t ext4 -o ro {device} /root")
    refused(system, f"kjump format --force {device}", device)
    machine.run("umount /root")
    system.configure(device)
    refused(system, "kjump hibernate", device)

    machine.run(f"kjump format {machine.device(system.image)}")
    system.configure(f"UUID={system.uuid()}")
    device = machine.device(system.image)
    machine.run(f"blockdev --setro {device}")
    refused(system, "kjump hibernate", device, "read-only")
    machine.run(f"blockdev --setrw {device}; echo '{device} none swap sw 0 0' > /etc/fstab")
    refused(system, "kjump hibernate", "/etc/fstab makes swap of", device)
    machine.run("rm /etc/fstab")
    refused(system, "kjump checkpoint --home 720M", "needs 720 MiB", "half of the RAM")
    machine.run("echo 'nobody:x:65534:65534::/:/bin/sh' > /etc/passwd")
    refused(system, "start-stop-daemon -S -c nobody -x $(which kjump) -- hibernate", "root")

    system.workload.check()
    assert system.b_boots() == 0
    system.workload.finish()


def test_lockdown(make_system):
    system = make_system(append="lockdown=integrity")
    machine = system.machine
    machine.boot()
    system.format()
    system.configure(f"UUID={system.uuid()}")
    refused(system, "kjump hibernate", "lockdown")
    assert system.b_boots() == 0
    assert machine.run("echo fine") == "fine"


def test_kernel_b_panics(make_system):
    """A B that dies reboots by itself into an ordinary boot, and what it left is no image."""
    system = make_system()
    system.boot(workload=False)
    system.saved_boot = system.boot_id()
    system.machine.power_off()
    system.boot_on()  # with the parameter, so that the boot after the panic has it too
    system.configure(f"UUID={system.uuid()}")
    system.machine.run("echo 'cmdline = rdinit=/missing' >> /etc/kjump.conf")
    system.saved_boot = system.boot_id()
    mark = system.machine.mark()
    system.machine.start("kjump hibernate")
    system.machine.wait_console("Kernel panic", 30, mark)
    panic, mark = mark, system.machine.mark()
    system.machine.wait_console("guest ready", 60, mark)
    assert "Rebooting in" in system.machine.console(panic)
    assert "nothing to restore" in system.machine.console(mark)
    assert system.boot_id() != system.saved_boot
    status, info = system.machine.call(f"kjump info {system.machine.device(system.image)}")
    assert status == 3 and "empty" in info


def killed_writer(call, more=""):
    """Kernel B's init, with another CALL of kjump-write; and without what it does about its end."""
    init = (artifacts.REPOSITORY / "initramfs/init").read_text()
    for old, new in (("        kjump-write\n", f"        {call}\n"), (more, ":" if more else "")):
        assert old in init
        init = init.replace(old, new)
    return init


AFTER = "kjump-write; (exit 137)"
MIDDLE = "kjump-write & busybox sleep 1; kill -9 $!; wait $!"


@pytest.mark.parametrize("init, state, says", [
    # Its answer got through, but nobody knows that the image is whole and synced.
    pytest.param(killed_writer(AFTER), "stale", "came back instead of switching off",
                 id="committed"),
    pytest.param(killed_writer(MIDDLE), "empty",
                 "ended without an answer (status 137); not saved", id="answered",
                 marks=pytest.mark.full),
    # The one that answers in its place is killed as well: A has the log, and looks at the image.
    pytest.param(killed_writer(MIDDLE, 'kjump-write --died "$status"'), "empty",
                 "ended without an answer; its last messages follow", id="no-answer",
                 marks=pytest.mark.full),
])
def test_killed_writer(make_system, init, state, says):
    """No valid image of a system that goes on; A says why, and does not try again."""
    system = make_system()
    machine = system.machine
    system.boot(memory=64, cache=4)
    machine.run(f"mkdir -p /run/b && cat > /run/b/init <<'END'\n{init}END\nchmod 755 /run/b/init")
    # What is unpacked last counts; an archive begins at a multiple of four bytes.
    machine.run("cd /run/b && echo init | cpio -o -H newc > /run/more 2> /dev/null && "
                "dd if=/usr/lib/kjump/initramfs.img of=/run/b.img bs=512 conv=sync 2> /dev/null && "
                "cat /run/more >> /run/b.img")
    mark = machine.mark()
    job = machine.start("kjump hibernate --initramfs /run/b.img")
    assert job.wait(90) == 1, job.output()
    assert says in job.output(), job.output()
    if state == "empty":
        assert "the writer ended unexpectedly (status 137)" in job.output(), job.output()
    assert "the writer ended unexpectedly (status 137)" in machine.console(mark)
    assert system.b_boots(mark) == 1, "it was tried again"
    _, info = machine.call(f"kjump info {machine.device(system.image)}")
    assert f"state     {state}" in info, info
    system.workload.check()
    system.workload.finish()


DATA_START, ENTRY_SIZE = 1048576, 1024


def newest_entry(path):
    """(generation, entry) of the image made last, from the superblock copy that counts."""
    copies = []
    with open(path, "rb") as file:
        for offset in (0, 524288):
            file.seek(offset)
            head = file.read(1024)
            file.seek(offset + 4096)
            table = file.read(16 * ENTRY_SIZE)
            entries = [table[at:at + ENTRY_SIZE] for at in range(0, len(table), ENTRY_SIZE)]
            newest = max(entries, key=lambda entry: struct.unpack_from("<Q", entry, 32))
            copies.append((struct.unpack_from("<Q", head, 32)[0], newest))
    return max(copies)


def superblock(path):
    """(generation, start, index) of the only image of a device: of its data and of its index."""
    generation, entry = newest_entry(path)
    return generation, DATA_START, struct.unpack_from("<Q", entry, 72)[0]


def test_damaged_image(make_system):
    """Not one of A's pages is put back from an image with a single bad block."""
    system = make_system()
    system.boot(memory=16, cache=4)
    system.hibernate()
    machine = system.machine
    _, start, index = superblock(system.image.path)
    assert start < index
    machine.boot()
    restorer = f"kjump-restore --check UUID={system.uuid()}"
    status, output = machine.call(restorer)
    assert status == 0 and "can be restored" in output, output
    with open(system.image.path, "r+b") as file:
        file.seek((start + index) // 2 // 4096 * 4096)
        block = file.read(4096)
        file.seek(-4096, 1)
        file.write(bytes(byte ^ 0x55 for byte in block))
    status, output = machine.call(restorer)
    assert status == 1 and "checksum mismatch; the image cannot be restored" in output, output
    machine.kill()

    console = system.boot_on()
    assert "checksum mismatch" in console
    assert "booting on" in console
    # The reason is the real one.
    assert re.search("reason .*booted on: .*chunk .*checksum mismatch", system.info())


@pytest.mark.full
def test_nothing_on_the_target(make_system):
    """The parameter may stay on the command line for ever."""
    system = make_system()
    system.boot(workload=False)
    system.saved_boot = system.boot_id()
    system.machine.power_off()
    assert "nothing to restore" in system.boot_on()


def state_of(path):
    """(state, attempts, reboots) of the image made last."""
    state, _, attempts, reboots = struct.unpack_from("<IIII", newest_entry(path)[1])
    return state, attempts, reboots


HANDED_OVER = 2


@pytest.mark.full
def test_handed_over_and_not_back(make_system):
    """A restore that is cut off loses nothing: the image is kept until somebody decides."""
    system = make_system()
    machine = system.machine
    system.boot(memory=16, cache=4)
    job = system.hibernate()
    machine.boot(system.parameter, ready=False)
    deadline = time.monotonic() + 60
    while state_of(system.image.path)[0] != HANDED_OVER:
        assert time.monotonic() < deadline, "never handed over"
        time.sleep(0.01)
    machine.kill()

    mark = machine.boot(system.parameter, ready=False)
    machine.wait_console("rd.kjump.again .* restores it once more", since=mark)
    machine.wait_console("r: try again", since=mark)
    time.sleep(15)
    console = machine.console(mark)
    assert "by itself" not in console and "guest ready" not in console, console
    assert state_of(system.image.path)[0] == HANDED_OVER
    machine.type("r")
    system.wait_for_a(mark)
    assert job.wait() == 0, job.output()
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
def test_reboot_when_it_fails(make_system):
    """Another boot may do better, and three are enough."""
    system = make_system()
    machine = system.machine
    system.boot(workload=False)
    system.hibernate()
    machine.cpu = f"{machine.cpu},avx2=off"
    mark = machine.boot(f"{system.parameter} rd.kjump.onfail=reboot", ready=False)
    machine.wait_console("r: try again", 240, mark)
    console = machine.console(mark)
    assert console.count("this CPU lacks what the saved kernel's had: avx2") == 4, console
    assert console.count("starting the machine anew; the image stays as it is") == 3
    assert state_of(system.image.path) == (1, 0, 3)
