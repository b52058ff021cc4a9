# SPDX-License-Identifier: GPL-2.0-or-later
"""Hibernate, power off, boot again, restore: the same system goes on."""

import re
import time

import pytest

from system import CHANGED
from workload import check_file_system

full = pytest.mark.full

INTEL = "max,vendor=GenuineIntel"


def check_cpus(system, came, wanted=None):
    """CAME of WANTED CPUs put the pages in place."""
    wanted = wanted or came
    said = system.machine.console()
    if wanted > 1:
        assert f"jumping with {wanted} CPUs into" in said
    else:
        assert "jumping with one CPU (" in said
    report = system.machine.run("cat /run/kjump/last")
    assert re.search(rf"payload +comparing \d+, copying .* ms; {came} of {wanted} CPUs$", report, re.M), report


@pytest.mark.parametrize("variant", [
    pytest.param({"firmware": "uefi", "bus": "nvme", "cpu": INTEL}, id="uefi-nvme-intel"),
    pytest.param({"memory": "512M"}, id="virtio", marks=full),
    pytest.param({"firmware": "uefi"}, id="uefi", marks=full),
    pytest.param({"bus": "nvme", "cpu": INTEL}, id="nvme-intel", marks=full),
    # Q35 has 2 GiB below 4 GiB when there is more than 2.75, and the hole for PCI devices above it.
    pytest.param({"memory": "3584M"}, id="3.5G", marks=full),
    pytest.param({"memory": "5G"}, id="5G", marks=full),
    pytest.param({"memory": "6G"}, id="6G", marks=full),
    pytest.param({"bus": "ahci"}, id="ahci", marks=full),
    pytest.param({"cpu": INTEL}, id="intel", marks=full),
    pytest.param({"cpu": INTEL, "cpus": 4}, id="intel-4-cpus", marks=full),
    pytest.param({"firmware": "uefi", "cpus": 4}, id="uefi-4-cpus", marks=full),
    pytest.param({"cpu": "max,la57=off"}, id="4-levels", marks=full),
    pytest.param({"cpu": "max,pdpe1gb=off"}, id="no-1G-pages", marks=full),
])
def test_hibernate_and_restore(make_system, variant):
    system = make_system(**variant)
    system.boot()
    cpus = variant.get("cpus", 2)
    job = system.hibernate()
    system.restore(job)
    system.workload.check()
    check_cpus(system, cpus)
    assert system.machine.run("cat /sys/devices/system/cpu/online") == f"0-{cpus - 1}"
    system.workload.finish()


@pytest.mark.full
@pytest.mark.parametrize("append, came, wanted", [
    pytest.param("test.apic=99", 2, 3, id="absent"),  # called, and never there
    pytest.param("rd.kjump.cpus=1", 1, 1, id="one"),
    pytest.param("rd.kjump.cpus=2", 2, 2, id="two"),
])
def test_cpus_of_the_payload(make_system, append, came, wanted):
    """What they do is right with each number of them, and who does not come is done without."""
    system = make_system(cpus=3)
    system.boot()
    job = system.hibernate()
    system.restore(job, append)
    system.workload.check()
    check_cpus(system, came, wanted)
    assert system.machine.run("cat /sys/devices/system/cpu/online") == "0-2"
    system.workload.finish()


@pytest.mark.full
def test_restore_with_fewer_cpus(make_system):
    system = make_system(cpus=2)
    system.boot()
    job = system.hibernate()
    system.machine.cpus = 1
    system.restore(job)
    system.workload.check()
    check_cpus(system, 1)
    assert system.machine.run("cat /sys/devices/system/cpu/online") == "0"
    system.workload.finish()


@pytest.mark.full
def test_twice(make_system):
    """A restored system hibernates again."""
    system = make_system()
    system.boot()
    for _ in range(2):
        job = system.hibernate()
        system.restore(job)
        system.workload.check()
    system.workload.finish()


# Head and table.
SUPERBLOCK_SIZE = 4096 + 16384


def superblocks(disk, blocks=None):
    """Both copies of a claimed disk's superblock; or put them there."""
    with open(disk.path, "r+b") as file:
        found = []
        for number, place in enumerate((0, 524288)):
            file.seek(place)
            if blocks:
                file.write(blocks[number])
            else:
                found.append(file.read(SUPERBLOCK_SIZE))
        return found


def test_restored_once_only(make_system):
    """After a restore the image is spent: A's file systems have moved on since, if only for a moment."""
    system = make_system()
    machine = system.machine
    system.boot()
    job = system.hibernate()
    waiting = superblocks(system.image)
    system.restore(job)
    system.workload.check()
    machine.run("echo after the restore > /mnt/later; sync")
    assert "restored" in system.info().lower()
    machine.kill()

    # Nor would it be if nothing on the device said so.
    spent = superblocks(system.image)
    superblocks(system.image, waiting)
    assert re.search(CHANGED, system.boot_on())
    machine.kill()
    superblocks(system.image, spent)
    console = system.boot_on()
    assert "nothing to restore" in console
    # What this boot had for an image, for the next hibernation.
    noted = dict(line.split(" = ") for line in
                 machine.run("cat /run/kjump-boot/footprint").splitlines())
    assert 300 << 10 < int(noted["room_kib"]) < int(noted["available_kib"]) \
        < int(noted["ram_kib"]) < 768 << 10, noted
    machine.run(f"mount -t ext4 {machine.device(system.workload.disk)} /mnt")
    assert machine.run("cat /mnt/later") == "after the restore"
    machine.run("umount /mnt")
    machine.power_off()
    check_file_system(system.workload.disk.path)


@pytest.mark.full
def test_cut_right_after_the_return(make_system):
    """A power cut as soon as A is back: that it was restored is on the disk by then."""
    system = make_system()
    machine = system.machine
    system.boot()
    system.hibernate()
    mark = machine.boot(system.parameter, ready=False)
    machine.wait_console("Restarting tasks", 120, mark)
    time.sleep(0.5)
    machine.kill()
    assert "nothing to restore" in system.boot_on()
    assert "restored" in system.info()


@full
@pytest.mark.parametrize("switch", ["noresume", "rd.kjump=0"])
def test_switched_off(make_system, switch):
    """A boot that goes on without restoring outdates the image for good."""
    system = make_system()
    system.boot()
    system.hibernate()
    assert "switched off" in system.boot_on(switch)
    info = system.info().lower()
    assert "stale" in info and "restoring was switched off" in info
    system.machine.power_off()
    system.boot_on()
