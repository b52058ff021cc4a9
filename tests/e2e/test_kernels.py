# SPDX-License-Identifier: GPL-2.0-or-later
"""Other kernels than the standard one."""

import pytest

import artifacts

pytestmark = [pytest.mark.kernels, pytest.mark.kexec_jump]


def test_linux_6_1(make_system):
    """A = B = C = 6.1, which reloads its GDT in other places than 6.12 does."""
    system = make_system(kernel=artifacts.kernel("6.1"), initramfs=artifacts.guest_of_tests("6.1"))
    system.boot()
    assert system.machine.run("uname -r").startswith("6.1.")
    for _ in range(2):
        system.checkpoint()
        system.workload.check()
    job = system.hibernate()
    system.restore(job)
    system.workload.check()
    system.workload.finish()
