# SPDX-License-Identifier: GPL-2.0-or-later
"""The test bench itself: a guest on every bus and firmware, and checks that can fail."""

import pytest

from machine import MachineError


@pytest.mark.parametrize("bus, firmware", [
    pytest.param("virtio", "bios", marks=pytest.mark.full),
    pytest.param("nvme", "bios", marks=pytest.mark.full),
    pytest.param("ahci", "bios", marks=pytest.mark.full),
    pytest.param("virtio", "uefi", marks=pytest.mark.full),
])
def test_workload(make_system, bus, firmware):
    system = make_system(bus=bus, firmware=firmware)
    system.machine.boot()
    is_uefi = system.machine.call("test -d /sys/firmware/efi")[0] == 0
    assert is_uefi == (firmware == "uefi")
    system.workload.start()
    system.workload.check()
    system.workload.check()
    with pytest.raises(MachineError, match="status 7"):
        system.machine.run("exit 7")
    system.workload.finish()


def test_damage_is_noticed(make_system):
    system = make_system()
    system.machine.boot()
    system.workload.start()
    system.machine.run("printf x | dd of=/run/memory/data bs=1 seek=5000000 conv=notrunc")
    with pytest.raises(AssertionError):
        system.workload.check()
