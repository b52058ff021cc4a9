# SPDX-License-Identifier: GPL-2.0-or-later
"""Suspended to RAM with an image on disk: whoever wakes up does not need it, whoever lost power does."""

import subprocess
import time

import pytest

from machine import PATIENCE, Disk, MIB
from workload import host_path

# Suspend to RAM by the firmware, which QEMU's machines have unless told otherwise.
S3 = ("-global", "ICH9-LPC.disable_s3=0")


def wait_suspended(machine, timeout=120):
    deadline = time.monotonic() + timeout * PATIENCE
    while "suspended" not in machine.monitor("info status"):
        assert time.monotonic() < deadline, "not suspended"
        time.sleep(0.5)


def wake(machine, job):
    """Somebody wakes it up; the command must succeed."""
    machine.monitor("system_wakeup")
    assert job.wait() == 0, job.output()
    # SeaBIOS does not set them again after the reset that a wake-up is, PMBASE and ACPI_CNTL of q35's ICH9:
    # without these registers the machine would not sleep a second time, nor go off.
    machine.run(r"printf '\001\006\000\000\200' | dd of=/sys/bus/pci/devices/0000:00:1f.0/config bs=1 "
                "seek=64 conv=notrunc")


def signature(disk):
    with open(disk.path, "rb") as file:
        return file.read(4096)[-10:]


@pytest.mark.full
def test_hybrid_sleep(make_system, tmp_path):
    swap = Disk(tmp_path / "swap.raw", 100 * MIB)
    subprocess.run(["mkswap", "-q", str(swap.path)], check=True, env=host_path())
    system = make_system(disks=[swap], extra=S3)
    machine = system.machine
    system.boot()
    machine.run(f"swapon {machine.device(swap)}")
    system.saved_boot = system.boot_id()

    # Somebody wakes it up.
    job = machine.start("kjump hibernate --suspend")
    wait_suspended(machine)
    assert signature(swap) == b"LINHIB0001"
    wake(machine, job)
    assert "saved, and woken up from RAM" in job.output()
    assert "the system went on without it" in system.info()
    assert signature(swap) == b"SWAPSPACE2"
    assert system.boot_id() == system.saved_boot
    assert "woken" in machine.run("kjump history")
    system.workload.check()

    # The same with a warm kernel B, and the power fails.
    job = machine.start("kjump hibernate --suspend")
    wait_suspended(machine)
    machine.kill()
    system.restore(job)
    assert signature(swap) == b"SWAPSPACE2"
    system.workload.check()
    machine.run(f"swapoff {machine.device(swap)}")
    system.workload.finish()


@pytest.mark.full
def test_no_suspend_to_ram(make_system):
    """A machine without it is told so, before anything is done."""
    system = make_system(extra=("-global", "ICH9-LPC.disable_s3=1"))
    system.boot(workload=False)
    status, output = system.machine.call("kjump hibernate --suspend")
    assert status == 1
    assert output.splitlines() == ["kjump: hybrid sleep: this machine has no suspend to RAM by its "
                                   "firmware (S3); nothing was done"]
    system.machine.power_off()
