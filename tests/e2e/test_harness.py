# SPDX-License-Identifier: GPL-2.0-or-later
"""The tests' own means: what goes wrong is seen at once, and images serve more than once."""

import time

import pytest

from machine import MachineError


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
    with pytest.raises(MachineError, match="panicked"):
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
