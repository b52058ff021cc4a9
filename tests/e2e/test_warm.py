# SPDX-License-Identifier: GPL-2.0-or-later
"""Checkpoints: saved while the system goes on; kernel B is booted once and stays warm."""

import re

import pytest

from ways import kexec_jump
from workload import check_file_system


def image_uuids(system):
    """UUIDs that `kjump info` shows, without the device's own."""
    found = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", system.info())
    return set(found) - {system.uuid()}


# `make check` has the same with a kernel B that is not even booted once (test_kept.py).
@pytest.mark.full
@pytest.mark.parametrize("way", ["module", pytest.param("kexec_jump", marks=kexec_jump)])
def test_checkpoints_then_hibernation(make_system, way):
    """On several CPUs, which Intel's kernels park in mwait; all of them are back each time."""
    system = make_system(cpus=4, cpu="max,vendor=GenuineIntel")
    system.boot()
    system.machine.run("kjump load")
    assert f"by {way.removesuffix('_jump')}\n" in system.machine.run("kjump status")
    seen = set()
    for number in range(1, 4):
        system.checkpoint()
        system.workload.check()
        seen |= image_uuids(system)
        assert len(seen) == number
        assert system.machine.run("cat /sys/devices/system/cpu/online") == "0-3"
    job = system.hibernate()
    assert system.b_boots() == 1
    assert system.pages_in_the_home() > 1000
    system.restore(job)
    system.workload.check()
    system.workload.finish()


def test_checkpoint_is_never_restored(make_system):
    """The system went on after a checkpoint; its files count, not the image."""
    system = make_system()
    machine = system.machine
    system.boot()
    system.checkpoint()
    machine.run("echo after the checkpoint > /mnt/later; sync")
    machine.kill()

    assert "nothing to restore" in system.boot_on()
    assert "checkpoint" in system.info().lower()
    machine.run(f"mount -t ext4 {machine.device(system.workload.disk)} /mnt")
    assert machine.run("cat /mnt/later") == "after the checkpoint"
    machine.run("umount /mnt")
    machine.power_off()
    check_file_system(system.workload.disk.path)
