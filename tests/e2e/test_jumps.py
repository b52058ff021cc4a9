# SPDX-License-Identifier: GPL-2.0-or-later
"""Many jumps between A and a warm B on several CPUs; Intel's parked CPUs wait in mwait."""

import pytest

from ways import WAYS


@pytest.mark.full
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cpu", ["max,vendor=GenuineIntel", "max"])
def test_ten_jumps(make_system, way, cpu):
    system = make_system(cpus=4, cpu=cpu)
    system.boot(memory=8, cache=4)
    for _ in range(10):
        system.checkpoint()
        system.workload.check()
        assert system.machine.run("cat /sys/devices/system/cpu/online") == "0-3"
    assert system.b_boots() == 1
    system.workload.finish()
