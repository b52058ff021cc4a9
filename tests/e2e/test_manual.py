# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel B loaded by hand, with kexec-tools, as the README says; nothing of kjump runs in A."""

import pytest

pytestmark = pytest.mark.kexec_jump

LOAD = ("kexec -c -l /boot/vmlinuz --initrd=/usr/lib/kjump/initramfs.img --mem-min=0x1000 "
        "--mem-max=0xbffffff")
PRESERVE = "--load-preserve-context --pass-memmap-cmdline"
# What kexec-tools says when the system that it jumped from goes on.
BACK = "kexec failed: No such file or directory"


@pytest.fixture
def manual(make_system):
    """A system whose A has kexec-tools, and a function that loads B in it."""
    system = make_system(programs=("kexec",))
    system.boot()

    def load(operation, options=PRESERVE, more="", target=None):
        line = (f"console=ttyS0 nokaslr iomem=relaxed no_timer_check panic=10 "
                f"kjump.target={target or 'UUID=' + system.uuid()} kjump.op={operation} {more}")
        system.machine.run(f"{LOAD} {options} --command-line='{line}'")

    return system, load


def jump(system):
    """`kexec -e`, which comes back with a failure that is none."""
    job = system.machine.start("kexec -e")
    assert job.wait(90) == 255, job.output()
    assert BACK in job.output()


@pytest.mark.full
def test_checkpoints(manual):
    """Twice with one load: B stays behind when it jumps back."""
    system, load = manual
    load("checkpoint")
    for _ in range(2):
        jump(system)
        system.workload.check()
        assert "checkpoint" in system.info().lower()
    assert system.b_boots() == 1
    system.workload.finish()


def test_hibernation(manual):
    system, load = manual
    load("hibernate")
    system.saved_boot = system.boot_id()
    job = system.machine.start("kexec -e")
    system.machine.wait_exit(90)
    system.restore()
    assert job.wait() == 255 and BACK in job.output()
    system.workload.check()
    # There is no B any more: what is loaded is a stub that returns at once.
    jump(system)
    system.workload.finish()


@pytest.mark.full
def test_failure_jumps_back(manual):
    """A wrong target is found out in B, and A goes on."""
    system, load = manual
    load("hibernate", target="UUID=00000000-0000-0000-0000-000000000000")
    mark = system.machine.mark()
    jump(system)
    assert "no such device; not saved" in system.machine.console(mark)
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
@pytest.mark.parametrize("options, more, reason", [
    pytest.param("--load-preserve-context", "", "this kernel took all of the machine's memory",
                 id="no-memmap"),
    pytest.param("--pass-memmap-cmdline", "", "not started by kjump", id="no-preserve"),
    pytest.param("", "memmap=exactmap memmap=632K@4K memmap=190M@1M "
                 "kexec_jump_back_entry=0x20000000",
                 "no call instruction before it", id="garbage"),
])
def test_refused(manual, options, more, reason):
    """A is lost then, whatever anybody does; nothing is written, and the machine boots afresh."""
    system, load = manual
    load("hibernate", options, more)
    mark = system.machine.mark()
    system.machine.start("kexec -e")
    system.machine.wait_console("cannot jump back .*rebooting", 60, mark)
    assert reason in system.machine.console(mark)
    system.machine.wait_console("guest ready", 60, mark)
    status, info = system.machine.call(f"kjump info {system.machine.device(system.image)}")
    assert status == 3 and "empty" in info, info


@pytest.mark.full
def test_own(manual):
    """What a shutdown drops: kernel B that kjump loaded, and no kernel that somebody loaded since."""
    system, load = manual
    machine = system.machine

    def unload(*options):
        machine.run(" ".join(("kjump unload --quiet", *options)))
        return machine.run("cat /sys/kernel/kexec_loaded")

    machine.run("kjump load")
    assert unload("--own") == "0"
    load("checkpoint")
    assert unload("--own") == "1"
    assert unload() == "0"
    machine.run("kjump load")
    load("checkpoint")
    assert unload("--own") == "1"
    # The record went, and with it the memory for what the two kernels say.
    assert machine.run("ls /run/kjump") == "lock\nrehearsed"
    assert unload() == "0"
    system.workload.finish()
