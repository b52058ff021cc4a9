# SPDX-License-Identifier: GPL-2.0-or-later
"""A's pages in swap areas: they are its own until it is back, and who took them over is found out."""

import re
import subprocess

import pytest

from machine import Disk, MIB
from workload import host_path

# What is swapped out was measured with the small kernel.
pytestmark = [pytest.mark.full, pytest.mark.kexec_jump]

# Random bytes, pushed out of memory by what comes after them and goes again.
FILL = ("mkdir -p /run/swapped; mount -t tmpfs -o size=800M tmpfs /run/swapped; "
        "dd if=/dev/urandom of=/run/swapped/data bs=1M count=120 2>/dev/null; "
        "sha256sum /run/swapped/data; "
        "dd if=/dev/zero of=/run/swapped/more bs=1M count=420 2>/dev/null; rm /run/swapped/more")


@pytest.fixture
def swapping(make_system, tmp_path):
    """
    A system that has swapped out, to a disk or to a file on a file system there. Its
    shell prefers busybox's swapon to that of util-linux, which knows a sealed area.
    """
    def make(file=False):
        disk = Disk(tmp_path / "swap.raw", 500 * MIB)
        # With the blocks that file systems of a usual size have.
        make = ["mkfs.ext4", "-q", "-F", "-b", "4096"] if file else ["mkswap", "-q"]
        subprocess.run([*make, str(disk.path)], check=True, env=host_path())
        system = make_system(disks=[disk], memory="512M",
                             programs=("swapon", "mkswap"))
        machine = system.machine
        system.boot(workload=False)
        area = machine.device(disk)
        if file:
            machine.run(f"mount -t ext4 {area} /mnt")
            area = "/mnt/swap"
            machine.run(f"dd if=/dev/zero of={area} bs=1M count=230 2>/dev/null; chmod 600 {area}; "
                        f"mkswap {area}; sync")
        machine.run(f"/bin/swapon {area}")
        system.sum = machine.run(FILL, 240)
        assert int(machine.run("awk 'NR == 2 { print $4 }' /proc/swaps")) > 10000
        return system, disk, area

    return make


def signature(disk, place=0):
    with open(disk.path, "rb") as file:
        file.seek(place)
        return file.read(4096)[-10:]


def place_of(disk, path):
    """Where a file of an ext4 file system begins on the disk."""
    block = subprocess.run(["debugfs", "-R", f"bmap {path} 0", str(disk.path)], check=True,
                           env=host_path(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with open(disk.path, "rb") as file:
        file.seek(1024 + 0x18)
        return int(block.stdout) * (1024 << int.from_bytes(file.read(4), "little"))


def test_sealed_and_opened_again(swapping):
    system, disk, area = swapping()
    machine = system.machine
    # A checkpoint and a failed save leave A its swap as well.
    system.checkpoint()
    assert signature(disk) == b"SWAPSPACE2"
    job = system.hibernate()
    assert signature(disk) == b"LINHIB0001"
    system.restore(job)
    assert signature(disk) == b"SWAPSPACE2"
    assert machine.run("sha256sum /run/swapped/data", 240) == system.sum
    machine.run(f"rm /run/swapped/data; swapoff {area} && /bin/swapon {area}", 240)
    machine.power_off()


def test_used_by_another_boot(swapping):
    """Another system swaps to it meanwhile: it may, and A is not restored any more."""
    system, disk, area = swapping()
    machine = system.machine
    system.hibernate()
    machine.boot()
    machine.run(f"/bin/swapon {area}")
    assert signature(disk) == b"SWAPSPACE2"
    machine.run(FILL, 240)
    machine.power_off()
    assert re.search("swap area on UUID=[0-9a-f-]* changed", system.boot_on())
    machine.power_off()


def test_file(swapping):
    """In a swap file, whose header lies somewhere on a disk that A has mounted."""
    system, disk, area = swapping(file=True)
    machine = system.machine
    job = system.hibernate()
    header = place_of(disk, "/swap")
    assert signature(disk, header) == b"LINHIB0001"
    system.restore(job)
    assert machine.run("sha256sum /run/swapped/data", 240) == system.sum
    machine.run(f"rm /run/swapped/data; swapoff {area} && /bin/swapon {area} && swapoff {area} && "
                "umount /mnt", 240)
    machine.power_off()
    assert signature(disk, header) == b"SWAPSPACE2"
