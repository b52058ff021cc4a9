# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel B out of a file: it boots once, and is used in further boots of A without booting again."""

import struct
import subprocess

import pytest

from machine import Disk, MIB
from ways import kexec_jump
from workload import host_path, make_file_system

KEPT = "/var/lib/kjump/b.img"
ONLINE = "cat /sys/devices/system/cpu/online"


@pytest.fixture
def make_kept(make_system, tmp_path):
    """A system with a disk of its own for /var/lib/kjump, whose kernel lies at the same place in each boot."""
    def make(append="nokaslr", **arguments):
        library = Disk(tmp_path / "library.raw", 129 * MIB, arguments.get("bus", "virtio"))
        make_file_system(library.path)
        system = make_system(disks=[library], append=append, **arguments)
        system.library = library
        system.keeps_b = True
        return system

    return make


def start(system, first=False, workload=True):
    """Boot A with /var/lib/kjump on its disk. Returns the place in the console where it began."""
    machine = system.machine
    mark = machine.boot()
    machine.run(f"mkdir -p /var/lib/kjump; mount -t ext4 {machine.device(system.library)} /var/lib/kjump")
    if first:
        system.format()
    system.configure(f"UUID={system.uuid()}")
    if workload:
        system.workload.start()
    return mark


def make_file(system):
    """The first boot of A, whose kernel B boots and is kept."""
    start(system, first=True)
    job = system.machine.start("kjump checkpoint")
    assert job.wait(90) == 0, job.output()
    assert f"kernel B kept in {KEPT}" in job.output()
    assert system.machine.run(f"stat -c '%a %u' {KEPT}") == "600 0"
    system.workload.finish()
    make_file_system(system.workload.disk.path)


@pytest.mark.parametrize("way", ["module", pytest.param("kexec_jump", marks=[kexec_jump, pytest.mark.full])])
def test_never_booted_again(make_kept, way):
    """
    In the second boot of A, and after a restore, kernel B is the one that was kept. On several CPUs, which
    Intel's kernels park in mwait; all of them are back each time.
    """
    system = make_kept(cpus=4, cpu="max,vendor=GenuineIntel")
    machine = system.machine
    make_file(system)
    assert system.b_boots() == 1

    mark = start(system)
    assert f"loaded from {KEPT}" in machine.run("kjump load")
    assert f"taken from {KEPT}" in machine.run("kjump status")
    system.checkpoint()
    system.workload.check()
    assert machine.run(ONLINE) == "0-3"
    job = system.hibernate()
    assert system.pages_in_the_home() > 1000
    system.restore(job)
    system.workload.check()
    assert machine.run(ONLINE) == "0-3"
    # The payload took its place: it comes out of the file once more.
    system.checkpoint()
    system.workload.check()
    machine.run("test ! -e /var/lib/kjump/b.tried")
    assert system.b_boots(mark) == 0
    system.workload.finish()


def load(machine, *options):
    """What `kjump load` says, and drop what it loaded."""
    text = machine.run(f"kjump load {' '.join(options)}", 120)
    machine.run("kjump unload")
    return text


def check_refused(text, cause):
    """One line says why; and kernel B is loaded so that it boots."""
    lines = text.splitlines()
    assert len(lines) == 2 and cause in lines[0], text
    assert "kernel B is booted at the next jump" in lines[0]
    assert "kernel B loaded: home" in lines[1]


@pytest.mark.full
def test_another_kernel_b(make_kept):
    """Whatever makes kernel B another one makes it boot; what is damaged is not used, and made anew."""
    system = make_kept()
    machine = system.machine
    make_file(system)
    mark = start(system)
    machine.run("cp /boot/vmlinuz /run/vmlinuz; echo >> /run/vmlinuz")
    check_refused(load(machine, "--kernel /run/vmlinuz"), "kernel is another one")
    machine.run("cp /usr/lib/kjump/initramfs.img /run/other.img; head -c 512 /dev/zero >> /run/other.img")
    check_refused(load(machine, "--initramfs /run/other.img"), "initramfs is another one")
    check_refused(load(machine, "--workers 1"), "number of CPUs")
    check_refused(load(machine, "--cmdline quiet"), "command line")
    check_refused(load(machine, "--home 160M"), "another size")
    assert "kernel B loaded: home" in load(machine, "--always-boot")
    assert f"loaded from {KEPT}" in load(machine)
    machine.run(f"chmod 666 {KEPT}")
    check_refused(load(machine), "others may write to it")
    machine.run(f"chmod 600 {KEPT}; cp {KEPT} /run/b.img")
    for place in ("100", "500000", "$(( $(stat -c %s /run/b.img) - 5 ))"):
        machine.run(f"cp /run/b.img {KEPT}; printf xyz | dd of={KEPT} bs=1 seek={place} conv=notrunc 2>/dev/null")
        check_refused(load(machine), "damaged")
    machine.run(f"truncate -s 1000000 {KEPT}")
    machine.run("kjump load")
    assert "booted: " in machine.run("kjump status")
    system.checkpoint()
    assert system.b_boots(mark) == 1
    machine.run("kjump unload")
    assert f"loaded from {KEPT}" in load(machine)
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
@pytest.mark.parametrize("change", ["memory", "disk", "cpu"])
def test_another_machine(make_kept, tmp_path, change):
    """Kernel B boots where memory, disks or the processor are not what it knows; and is kept again."""
    system = make_kept()
    machine = system.machine
    make_file(system)
    if change == "memory":
        machine.memory = "1G"
    elif change == "cpu":
        machine.cpu += ",-adx"
    else:
        machine.disks.append(Disk(tmp_path / "more.raw", 65 * MIB))
    mark = start(system)
    text = load(machine)
    assert KEPT in text
    check_refused(text, "processor" if change == "cpu" else "")
    system.checkpoint()
    assert system.b_boots(mark) == 1
    machine.run("kjump unload")
    assert f"loaded from {KEPT}" in load(machine)
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
def test_never_tried_again(make_kept):
    """A kernel B out of the file that was entered and did not come back is not entered once more."""
    system = make_kept()
    machine = system.machine
    make_file(system)
    mark = start(system)
    machine.start("kjump checkpoint")
    machine.wait_console("saving; q or Esc aborts", 90, mark)
    machine.kill()
    make_file_system(system.workload.disk.path)
    mark = start(system)
    check_refused(machine.run("kjump load", 120), "did not answer")
    machine.run(f"test ! -e {KEPT} && test ! -e /var/lib/kjump/b.tried")
    system.checkpoint()
    assert system.b_boots(mark) == 1
    machine.run(f"test -e {KEPT}")
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
@pytest.mark.parametrize("variant", [
    pytest.param({"firmware": "uefi", "bus": "nvme", "cpus": 4, "cpu": "max,vendor=GenuineIntel"},
                 id="uefi-nvme-intel"),
    pytest.param({"bus": "ahci"}, id="ahci"),
    pytest.param({"append": "nokaslr memmap=128M$0x10000000"}, id="memmap"),
    pytest.param({"append": "nokaslr crashkernel=128M"}, id="crashkernel"),
])
def test_machines(make_kept, variant):
    """The second boot of other machines, and of some that have memory reserved for kernel B."""
    system = make_kept(**variant)
    make_file(system)
    mark = start(system)
    assert f"loaded from {KEPT}" in system.machine.run("kjump load", 120)
    system.checkpoint()
    system.workload.check()
    job = system.hibernate()
    assert system.b_boots(mark) == 0
    system.restore(job)
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
def test_fresh_random_numbers(make_kept):
    """Two kernels B out of one file do not draw the same."""
    system = make_kept()
    machine = system.machine
    make_file(system)
    seen = set()
    for _ in range(2):
        start(system)
        system.checkpoint()
        seen.add(machine.run("grep -o 'image *[0-9a-f-]*' /run/kjump/last"))
        system.workload.finish()
        make_file_system(system.workload.disk.path)
    assert len(seen) == 2, seen


# In the middle of what the first images on the disk fill (docs/image-format.md, "data area").
BAD_SPOT = 40 * MIB


@pytest.mark.full
def test_failure_is_tried_once_more(make_kept):
    """What a kernel B out of the file cannot do one that boots may do; the file goes."""
    system = make_kept()
    machine = system.machine
    make_file(system)
    system.image.faults = {"write": (BAD_SPOT // 512, 8)}
    mark = machine.boot()
    machine.run(f"mkdir -p /var/lib/kjump; mount -t ext4 {machine.device(system.library)} /var/lib/kjump")
    machine.run(f"kjump format --force {machine.device(system.image)}")
    system.configure(f"UUID={system.uuid()}")
    system.workload.start(memory=64)
    job = machine.start("kjump checkpoint")
    assert job.wait(120) == 1
    assert f"kernel B out of {KEPT}: " in job.output() and "loading it anew" in job.output(), job.output()
    assert system.b_boots(mark) == 1
    machine.run(f"test ! -e {KEPT} && test ! -e /var/lib/kjump/b.tried")
    system.workload.check()
    system.workload.finish()


MARK = b"this is a page of the saved system"


def fill_with_marks(machine, mib):
    """So much of A's memory that whatever kernel B has had in its buffers last is of it."""
    machine.run("mkdir -p /run/marks && mount -t tmpfs -o size=90% tmpfs /run/marks")
    machine.run(f"yes '{MARK.decode()}' | head -c {mib}m > /run/marks/data", 240)


def memory_in(disk, name, folder):
    """What is in a file of kernel B's memory (docs/image-format.md, section 11) on a disk's file system."""
    copy = folder / name
    subprocess.run(["debugfs", "-R", f"dump /{name} {copy}", str(disk.path)], env=host_path(), check=True,
                   stderr=subprocess.DEVNULL)
    data = copy.read_bytes()
    lists, = struct.unpack_from("<Q", data, 104)
    done = subprocess.run(["zstd", "-dcq"], input=data[4096:lists], stdout=subprocess.PIPE, check=True)
    assert len(done.stdout) > 8 * MIB
    return done.stdout


@pytest.mark.full
def test_nothing_of_a_is_in_the_file(make_kept, tmp_path):
    """Kernel B has had A's pages in its buffers, and leaves none of them behind; without being told so it would."""
    system = make_kept()
    machine = system.machine
    start(system, first=True)
    fill_with_marks(machine, 350)
    machine.run("kjump checkpoint --level 0 --cmdline init_on_free=0", 120)
    machine.run(f"mv {KEPT} /var/lib/kjump/careless; kjump unload")
    system.workload.check()
    machine.run("kjump checkpoint --full --level 0", 120)
    machine.run(f"test -e {KEPT}")
    system.workload.finish()
    careless, kept = (memory_in(system.library, name, tmp_path) for name in ("careless", "b.img"))
    assert MARK in careless, "the test finds nothing anywhere"
    assert MARK not in kept
