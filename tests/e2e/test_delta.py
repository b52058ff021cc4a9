# SPDX-License-Identifier: GPL-2.0-or-later
"""A save writes only what the image before has not: over checkpoints, a hibernation, and what follows the restore."""

import importlib
import json
import re
import sys
import time

import pytest

import artifacts
from machine import Disk, MIB


def images(system):
    """What `kjump list` knows of each image, the oldest first."""
    text = system.machine.run(f"kjump list --json {system.machine.device(system.image)}")
    found = json.loads(text)
    return [found[number] for number in sorted(found, key=int)]


@pytest.mark.full
def test_saves_build_on_what_is_there(make_system):
    """Each image is whole, small, and the session is the same after a restore of one that was built on others."""
    system = make_system(memory="512M")
    machine = system.machine
    system.boot(memory=64, cache=32)
    system.checkpoint()
    system.checkpoint()
    full, second = images(system)
    assert full["reused_pages"] == 0 and full["deltas"] == 0
    assert second["reused_pages"] > second["data_pages"] // 2 and second["deltas"] == 1
    assert second["own_bytes"] < full["own_bytes"] / 2
    system.restore(system.hibernate())
    system.workload.check()
    hibernation = images(system)[-1]
    assert hibernation["kind"] == "hibernation" and hibernation["state"] == "restored"
    assert hibernation["deltas"] == 2 and hibernation["own_bytes"] < full["own_bytes"] / 2
    # The one that the system was restored from is the base now, though kernel B is another one.
    system.checkpoint()
    after = images(system)[-1]
    assert after["kind"] == "checkpoint" and after["deltas"] == 3
    # Loading that kernel B has moved what lay in its home: 128 MiB of the 512.
    assert after["reused_pages"] > after["data_pages"] // 5
    for number in json.loads(machine.run(f"kjump list --json {machine.device(system.image)}")):
        machine.run(f"kjump verify {machine.device(system.image)} {number}")
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
def test_full(make_system):
    """What was asked to be written as a whole is."""
    system = make_system(memory="512M")
    system.boot(memory=8, cache=4)
    system.checkpoint()
    job = system.machine.start("kjump checkpoint --full")
    assert job.wait(60) == 0, job.output()
    first, second = images(system)
    assert second["reused_pages"] == 0 and second["deltas"] == 0
    assert second["own_bytes"] > first["own_bytes"] * 0.8
    system.workload.check()
    system.workload.finish()


def files():
    """A disk with 1500 MB of real files, as `make bench-vm` has it: they compress as memory does."""
    sys.path.append(str(artifacts.REPOSITORY / "tests/bench"))
    path = importlib.import_module("content").image(1500)
    return Disk(path, path.stat().st_size)


def fill(system):
    """Have what is on that disk in memory."""
    machine = system.machine
    machine.run("mkdir -p /run/much /run/files && mount -t tmpfs -o size=80% tmpfs /run/much && "
                f"mount -o ro -t ext4 {machine.device(machine.disks[-1])} /run/files")
    machine.run("cat /run/files/* > /run/much/data 2> /dev/null; umount /run/files", 600)


def saving_seconds(report):
    """What it took kernel B to save, without its start and without the freeze."""
    return float(re.search(r", saving ([0-9.]+)", report)[1])


@pytest.mark.full
def test_hibernation_after_a_checkpoint(make_system):
    """
    With a checkpoint that is a minute old a hibernation of 1.5 GB writes nearly nothing. Its time is that of digests and
    of mapping memory, both many times slower under emulation: the goal of a fifth is one for `make bench`.
    """
    system = make_system(memory="3G", image=4096 * MIB, disks=[files()])
    machine = system.machine
    system.boot()
    fill(system)
    system.checkpoint()
    full = saving_seconds(machine.run("cat /run/kjump/last"))
    system.checkpoint()
    time.sleep(60)
    job = system.hibernate()
    system.restore(job)
    delta = saving_seconds(machine.run("cat /run/kjump/last"))
    first, *_, last = images(system)
    used = last["data_pages"] * 4096
    print(f"{used / 1e9:.2f} GB in use: full save {full:.2f} s, a minute after a checkpoint {delta:.2f} s")
    assert used > 1.5e9
    assert last["own_bytes"] <= 0.05 * first["own_bytes"], (first, last)
    assert delta <= 0.6 * full, (delta, full)
    system.workload.check()
    system.workload.finish()
