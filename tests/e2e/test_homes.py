# SPDX-License-Identifier: GPL-2.0-or-later
"""Where kernel B lives: borrowed from the system quickly, or reserved when it booted."""

import os
import re
import statistics
from pathlib import Path

import pytest

from ways import kexec_jump

LOADED = re.compile(r"home ([\d.]+) MiB at 0x[0-9a-f]+(, reserved at boot)?, [\d.]+ s")


def load(machine, *options):
    """(MiB of home, reserved) as `kjump load` prints them."""
    match = LOADED.search(machine.run(" ".join(["kjump load", *options])))
    return float(match[1]), bool(match[2])


def processor_time(machine):
    """Seconds that QEMU has computed so far: less a matter of how busy the host is than the clock."""
    fields = Path(f"/proc/{machine.qemu.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_memory(machine):
    """MiB that are free, with nothing left to drop."""
    text = machine.run("echo 3 > /proc/sys/vm/drop_caches; grep MemFree: /proc/meminfo")
    return int(text.split()[1]) >> 10


@pytest.mark.full
def test_borrowed(make_system):
    """In nearly empty memory, where the kernel likes to hand out the home's own frames.

    Where it always gets them, a load takes four times as long. The yardstick is a file of the same
    size, which costs the same allocations and the same writing.
    """
    system = make_system(memory="512M")
    machine = system.machine
    machine.boot()
    system.configure(None)
    loads, files = [], []
    for _ in range(5):
        start = processor_time(machine)
        machine.run("mount -t tmpfs none /root; "
                    "dd if=/dev/zero of=/root/file bs=1M count=128 2>/dev/null; umount /root")
        files.append(processor_time(machine) - start)
        start = processor_time(machine)
        assert load(machine, "--home 128M") == (128, False)
        loads.append(processor_time(machine) - start)
        machine.run("kjump unload")
    # The first one also pays for QEMU's translation of code that never ran before.
    assert statistics.median(loads) < 3 * statistics.median(files), (loads, files)
    # No room to spare for speed's sake, and half of that in cache.
    machine.run("mount -t tmpfs -o size=90% tmpfs /root; "
                "dd if=/dev/zero of=/root/full bs=1M count=230 2>/dev/null")
    assert load(machine, "--home 128M")[0] == 128
    machine.run("test $(stat -c %s /root/full) = 241172480")


# Where the range lies does not matter: it is left to the kernel, or in the middle of RAM.
RESERVED = {"crashkernel": "crashkernel=128M", "memmap": "memmap=128M$0x10000000"}


def cycle(make_system, place, **boot):
    system = make_system(memory="512M", append=RESERVED[place])
    machine = system.machine
    system.boot()
    before = free_memory(machine)
    assert load(machine) == (128, True)
    assert before - free_memory(machine) < 40  # a copy of kernel B and its initramfs
    mark = machine.mark()
    for _ in range(2):
        system.checkpoint()
        system.workload.check()
    assert system.b_boots(mark) == 1
    job = system.hibernate()
    if boot:
        machine.append = boot["append"]
    system.restore(job)
    system.workload.check()
    system.checkpoint()
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
@pytest.mark.parametrize("place", ["memmap", "crashkernel"])
def test_reserved(make_system, place):
    """Nothing is moved out of its way; warm checkpoints and a restore as with any home."""
    cycle(make_system, place)


@pytest.mark.full
@pytest.mark.parametrize("place", RESERVED)
def test_reserved_only_in_a(make_system, place):
    """The kernel that restores may use the range as it likes."""
    cycle(make_system, place, append="")


@pytest.mark.full
def test_crash_kernel_comes_first(make_system):
    """A region that holds a crash kernel is not taken, and B leaves one that is taken over."""
    system = make_system(append=RESERVED["crashkernel"])
    machine = system.machine
    system.boot(memory=16, cache=8)
    assert load(machine)[1]
    system.checkpoint()
    machine.run("kjump unload; echo 1 > /run/loaded; "
                "mount -o bind /run/loaded /sys/kernel/kexec_crash_loaded")
    assert not load(machine)[1]
    machine.run("umount /sys/kernel/kexec_crash_loaded; kjump unload")
    assert load(machine)[1]
    machine.run("mount -o bind /run/loaded /sys/kernel/kexec_crash_loaded")
    mark = machine.mark()
    system.checkpoint()
    assert system.b_boots(mark) == 1
    assert "reserved" not in machine.run("kjump load")
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
@kexec_jump
def test_kernel_b_is_short_of_memory(make_system):
    """Whatever its drivers took: the save is tried again with more, which is kept for the next one."""
    system = make_system()
    machine = system.machine
    system.boot(memory=8, cache=4)
    before = load(machine)[0]
    machine.run("kjump unload; echo 'cmdline = hugepages=8' >> /etc/kjump.conf")
    job = machine.start("kjump checkpoint")
    assert job.wait(180) == 0, job.output()
    assert "kernel B gets more memory from now on, and is loaded anew" in job.output()
    more = int(machine.run("cat /var/lib/kjump/home-more"))
    assert more in (16, 32, 48)
    system.workload.check()
    machine.run("kjump unload")
    assert load(machine)[0] == before + more
    # Who says how much it is gets what he says, and is told.
    job = machine.start(f"kjump checkpoint --home {before:.0f}M")
    assert job.wait(180) == 1
    assert "make 'home' larger" in job.output()
    assert int(machine.run("cat /var/lib/kjump/home-more")) == more
    system.workload.finish()
