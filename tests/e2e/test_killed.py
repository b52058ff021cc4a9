# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine is gone at random moments: what it left is restored whole, or booted past."""

import os
import random
import re
import time

import pytest

from machine import MachineError
from system import CHANGED
from test_errors import HANDED_OVER, state_of
from workload import check_file_system

VALID = 1
MOMENTS = int(os.environ.get("KJUMP_MOMENTS", 10))


def moments(what, seconds):
    """The same fractions each time, of how long it takes."""
    choice = random.Random(f"killed in a {what}")
    return [choice.uniform(0.02, 1) * seconds for _ in range(MOMENTS)]


def begin(system):
    """A, on a disk that has been claimed before."""
    system.machine.boot()
    system.configure(f"UUID={system.uuid()}")
    system.workload.start(memory=16, cache=8)
    system.saved_boot = system.boot_id()


def booted_past(system):
    """Nothing waits any more; the file system is whole once its journal was replayed."""
    machine = system.machine
    assert state_of(system.image.path)[0] not in (VALID, HANDED_OVER)
    machine.run(f"mount -t ext4 {machine.device(system.workload.disk)} /mnt && umount /mnt")
    machine.power_off()
    check_file_system(system.workload.disk.path)


def come_up(system):
    """The next boot after the plug was pulled. Returns whether it restored."""
    machine = system.machine
    state = state_of(system.image.path)[0]
    mark = machine.boot(f"{system.parameter} rd.kjump.again rd.kjump.onfail=boot", ready=False)
    try:
        system.wait_for_a(mark, 120)
    except MachineError as error:
        # A was back already, and went on for long enough to write to its file system.
        went_on = state != HANDED_OVER or re.search(CHANGED, machine.console(mark))
        if "booted on" not in str(error) or state == VALID or not went_on:
            raise
        booted_past(system)
        return False
    assert state in (VALID, HANDED_OVER), "restored from nothing"
    system.workload.check()
    system.workload.finish()
    return True


@pytest.mark.full
def test_killed_in_a_save(make_system):
    """Before the commit there is no image, after it there is one."""
    system = make_system()
    machine = system.machine
    system.boot(memory=16, cache=8)
    started = time.monotonic()
    job = system.hibernate()
    seconds = time.monotonic() - started
    system.restore(job)
    system.workload.finish()
    restored = []
    for moment in moments("save", seconds):
        begin(system)
        machine.start("kjump hibernate")
        time.sleep(moment)
        machine.kill()
        restored.append(come_up(system))
    print(f"save of {seconds:.1f} s, killed at {MOMENTS} moments: {restored.count(True)} restored")
    assert not all(restored)


@pytest.mark.full
def test_killed_in_a_load(make_system):
    """The image is there until A is back, and then no more."""
    system = make_system()
    machine = system.machine
    system.boot(memory=16, cache=8)
    system.hibernate()
    kept = system.keep()
    started = time.monotonic()
    system.restore()
    seconds = time.monotonic() - started
    restored = []
    for moment in moments("load", seconds):
        system.put_back(kept)
        machine.boot(system.parameter, ready=False)
        time.sleep(moment)
        machine.kill()
        restored.append(come_up(system))
    print(f"load of {seconds:.1f} s, killed at {MOMENTS} moments: {restored.count(True)} restored")
    assert any(restored)
