# SPDX-License-Identifier: GPL-2.0-or-later
"""
Debian's own kernels without the jump module, their disk drivers as modules: as B and C of a kernel
with KEXEC_JUMP, and as an A that cannot jump.
"""

import hashlib

import pytest

import artifacts
from ways import kexec_jump

full = pytest.mark.full

STOCK = [
    pytest.param("6.12", "cloud", id="6.12-cloud"),
    pytest.param("6.12", "generic", id="6.12-generic"),
    pytest.param("6.1", "cloud", id="6.1-cloud"),
    pytest.param("6.1", "generic", id="6.1-generic"),
]


def switch_to_stock(machine, version, flavour):
    """The next boot is with one of Debian's kernels."""
    machine.kernel = artifacts.stock(version, flavour) / "vmlinuz"
    machine.initramfs = artifacts.guest_of_stock(version, flavour)


@full
@kexec_jump
@pytest.mark.parametrize("version, flavour", STOCK)
def test_stock_b(make_system, version, flavour):
    """B is gone once it has jumped back; the next request loads it anew."""
    system = make_system(initramfs=artifacts.guest_with_stock_b(version, flavour),
                         accelerator=artifacts.steady_accelerator())
    system.boot()
    for boots in (1, 2):
        system.checkpoint()
        assert system.b_boots() == boots
        assert system.machine.run("cat /sys/kernel/kexec_loaded") == "0", "memory wasted"
        system.workload.check()
    job = system.hibernate()
    system.restore(job)
    system.workload.check()
    system.workload.finish()


@full
@kexec_jump
@pytest.mark.parametrize("version, flavour", STOCK)
def test_stock_c(make_system, version, flavour):
    system = make_system(accelerator=artifacts.steady_accelerator())
    system.boot()
    job = system.hibernate()
    switch_to_stock(system.machine, version, flavour)
    system.restore(job)
    system.workload.check()
    system.workload.finish()


@pytest.mark.parametrize("version, flavour", [
    STOCK[0], *[pytest.param(*entry.values, id=entry.id, marks=full) for entry in STOCK[1:]]])
def test_stock_a_is_refused(make_system, version, flavour):
    """
    With neither the module nor KEXEC_JUMP nothing is saved, nothing is touched, and the reason is
    said.
    """
    system = make_system()
    machine = system.machine
    switch_to_stock(machine, version, flavour)
    system.boot(workload=False)
    machine.run("sync")
    before = hashlib.sha256(system.image.path.read_bytes()).digest()
    pages = machine.run("cat /proc/sys/vm/nr_hugepages")
    for command in ("hibernate", "checkpoint", "load"):
        status, output = machine.call(f"kjump {command}")
        assert status == 1, output
        assert "this kernel was built without CONFIG_KEXEC_JUMP" in output
        assert len(output.strip().splitlines()) == 1
    assert hashlib.sha256(system.image.path.read_bytes()).digest() == before
    assert machine.run("cat /proc/sys/vm/nr_hugepages") == pages
    assert machine.run("cat /sys/kernel/kexec_loaded") == "0"
    assert system.b_boots() == 0
