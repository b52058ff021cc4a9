# SPDX-License-Identifier: GPL-2.0-or-later
"""A virtual machine that runs in A, by KVM on AMD's extensions, which QEMU emulates."""

import time

import pytest

pytestmark = pytest.mark.full


def goes_on(machine, status="/run/vm.status"):
    """It counts, and has not ended."""
    before = int(machine.run("cat /run/vm"))
    deadline = time.monotonic() + 30
    while int(machine.run("cat /run/vm")) <= before:
        ended, text = machine.call(f"cat {status} /run/vm.log")
        assert ended != 0, text
        assert time.monotonic() < deadline, f"it stands at {before}"
        time.sleep(0.2)


def test_running_machine(make_system):
    system = make_system(modules=("kvm_amd",))
    machine = system.machine
    system.boot(memory=16, cache=4)
    machine.run("setsid sh -c 'vm /run/vm > /run/vm.log 2>&1; echo $? > /run/vm.status' "
                "> /dev/null 2>&1 & "
                "for i in $(seq 50); do [ -e /run/vm ] && exit; sleep 0.2; done; "
                "cat /run/vm.log; dmesg | grep -i kvm; exit 1")
    for _ in range(3):
        system.checkpoint()
        system.workload.check()
        goes_on(machine)
    system.restore(system.hibernate())
    system.workload.check()
    goes_on(machine)
    assert machine.call("dmesg | grep -E 'BUG:|WARNING:|Oops'")[0] != 0, machine.run("dmesg")
    system.workload.finish()
