# SPDX-License-Identifier: GPL-2.0-or-later
"""The tests' own means: what goes wrong is seen at once, and images serve more than once."""

import time

import pytest

from machine import HungEarly, Machine, MachineError


def test_refusal_ends_the_wait(make_system):
    system = make_system()
    system.machine.boot()
    system.configure("/dev/missing")
    started = time.monotonic()
    with pytest.raises(MachineError, match="the command ended(.|\n)*/dev/missing"):
        system.hibernate()
    assert time.monotonic() - started < 30


@pytest.mark.full
def test_panic_ends_the_wait(make_system):
    system = make_system()
    system.machine.boot()
    job = system.machine.start("sleep 1; echo c > /proc/sysrq-trigger")
    started = time.monotonic()
    with pytest.raises(MachineError, match="panicked:(.|\n)*sysrq triggered crash"):
        system.machine.wait_exit(90, job)
    assert time.monotonic() - started < 30


@pytest.mark.full
def test_image_restored_again(make_system):
    """Both come back from the same image, and the second knows nothing of the first."""
    system = make_system()
    system.boot()
    system.hibernate()
    kept = system.keep()
    for _ in range(2):
        system.restore()
        system.machine.run("test ! -e /tmp/been-here; touch /tmp/been-here")
        system.workload.check()
        system.put_back(kept)


class Hanging(Machine):
    """Switched on, it says what it is told to; each time the next."""

    def __init__(self, folder, *says):
        super().__init__(folder)
        self.says, self.killed = list(says), 0

    def _switch_on(self, append):
        self.booted = self.mark()
        with open(self.log, "a") as log:
            log.write(self.says.pop(0))
        return self.booted

    def kill(self):
        self.killed += 1


STALL = "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:\n"


def test_boot_that_hung_early(tmp_path):
    """Once it is switched off and on; a second time, or with a program that runs, it is a failure."""
    machine = Hanging(tmp_path / "one", STALL, "Run /init as init process\nguest ready\n")
    machine.boot()
    assert machine.killed == 1
    machine = Hanging(tmp_path / "two", STALL, STALL)
    with pytest.raises(HungEarly):
        machine.boot()
    machine = Hanging(tmp_path / "three", "Run /init as init process\n" + STALL)
    with pytest.raises(MachineError) as raised:
        machine.boot(timeout=0.1)
    assert not isinstance(raised.value, HungEarly)
    assert machine.killed == 0
