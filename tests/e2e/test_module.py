# SPDX-License-Identifier: GPL-2.0-or-later
"""The jump module: Debian's own kernels, which have no KEXEC_JUMP, as kernel A."""

import pytest

import artifacts

full = pytest.mark.full


@pytest.fixture
def make_module_system(make_system):
    """make_system() for a machine whose kernel is one of Debian's with the module."""
    def make(version="6.12", flavour="cloud", b_module=True, **arguments):
        return make_system(accelerator=artifacts.steady_accelerator(),
                           kernel=artifacts.stock_with_module(version, flavour) / "vmlinuz",
                           initramfs=artifacts.guest_with_module(version, flavour, b_module),
                           **arguments)

    return make


def test_cycle(make_module_system):
    """Checkpoints with a warm B, hibernation and restore, all with Debian's kernel for clouds."""
    system = make_module_system()
    system.boot()
    for _ in range(3):
        system.checkpoint()
        system.workload.check()
    job = system.hibernate()
    assert system.b_boots() == 1
    system.restore(job)
    system.workload.check()
    system.checkpoint()
    system.workload.finish()
