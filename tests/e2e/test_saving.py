# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be asked of a save: dry run, everything, read it back, stop; and what it meets."""

import hashlib
import json
import re
import time

import pytest

from machine import MIB


def digest(disk):
    with open(disk.path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def image(system):
    """(state, image) as kjump info has it."""
    text = system.machine.run(f"kjump info --json {system.machine.device(system.image)}; :")
    found = json.loads(text)
    return found["state"], found["image"]


def test_dry_run(make_system):
    """All that a save does, but nothing is written, and a hibernation comes back."""
    system = make_system(memory="512M")
    machine = system.machine
    system.boot(memory=8, cache=4)
    assert "free pages" not in machine.run("kjump load"), "the search does not work in A"
    before = digest(system.image)
    job = machine.start("kjump hibernate --dry-run --verify")
    assert job.wait(90) == 0, job.output()
    assert "dry run, nothing was written" in job.output()
    assert "would be" in job.output() and "ratio" in job.output()
    system.workload.check()
    assert digest(system.image) == before
    assert "dry run" in machine.run("kjump status")
    system.workload.finish()


@pytest.mark.full
def test_all(make_system):
    """Without the filter every page is saved."""
    system = make_system(memory="512M")
    machine = system.machine
    system.boot(memory=8, cache=4)
    system.checkpoint()
    _, filtered = image(system)
    assert filtered["pages"]["free"] > 10000
    machine.run("echo 'all = yes' >> /etc/kjump.conf")
    system.checkpoint()
    _, everything = image(system)
    assert everything["pages"]["free"] == 0
    assert everything["pages"]["ram"] == filtered["pages"]["ram"]
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
def test_image_that_waits(make_system):
    """Another system on the same machine: it finds a session on the target, and leaves it alone."""
    system = make_system()
    machine = system.machine
    system.boot(memory=8, cache=4)
    job = system.hibernate()
    before = digest(system.image)
    machine.boot()
    system.configure(f"UUID={system.uuid()}")
    status, output = machine.call("kjump check")
    assert status == 1 and "waits to be restored and would be lost" in output, output
    for command in "hibernate", "checkpoint":
        status, output = machine.call(f"kjump {command}")
        assert status == 1 and "waits to be restored and would be lost" in output, output
    dry = machine.start("kjump checkpoint --dry-run")
    assert dry.wait(90) == 0, dry.output()
    assert digest(system.image) == before
    machine.power_off()
    system.restore(job)
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
def test_image_that_waits_is_given_up(make_system):
    system = make_system()
    machine = system.machine
    system.boot(memory=8, cache=4)
    system.hibernate()
    machine.boot()
    system.configure(f"UUID={system.uuid()}")
    job = machine.start("kjump checkpoint --replace")
    assert job.wait(90) == 0, job.output()
    assert image(system)[1]["kind"] == "checkpoint"
    machine.kill()
    assert "nothing to restore" in system.boot_on()


def test_abort(make_system):
    """Esc at the serial console, q at the keyboard: A goes on, the older image is still there."""
    system = make_system()
    machine = system.machine
    system.boot(memory=32, cache=4)
    system.checkpoint()
    state, older = image(system)
    assert state == "valid"
    key = {"hibernate": lambda: machine.type("\x1b"), "checkpoint": lambda: machine.press("q")}
    for command, press in key.items():
        mark = machine.mark()
        job = machine.start(f"kjump {command} --level 19")
        machine.wait_console("q or Esc aborts", 60, mark)
        machine.wait_console(r"\[#*\.*\] +\d+ %  \d+ MB/s  \d+:\d\d left  ratio", 60, mark)
        machine.type("no key of these: \x1b[A\x1b[15~\x1bOP")
        machine.press("up")
        time.sleep(1.5)
        assert "aborted;" not in machine.console(mark)
        press()
        assert job.wait(60) == 4, job.output()
        assert "aborted" in job.output()
        system.workload.check()
        assert image(system) == ("valid", older)
        assert "aborted" in machine.run("kjump status")
    machine.run(f"kjump verify {machine.device(system.image)}")
    # Once more for level 19, which there was no room for.
    assert system.b_boots() == 2
    system.workload.finish()


@pytest.mark.full
@pytest.mark.kexec_jump
def test_high_level(make_system):
    """Kernel B gets the room that a level takes; if it cannot, it is said before the jump."""
    system = make_system(memory="512M")
    machine = system.machine
    system.boot(memory=4, cache=4)

    def home():
        return int(re.search(r"home (\d+)", machine.run("kjump load"))[1])

    default = home()
    job = machine.start("kjump checkpoint --level 19")
    assert job.wait(170) == 0, job.output()
    larger = home()
    assert default + 26 <= larger <= default + 30
    assert image(system)[0] == "valid"
    system.checkpoint()
    assert home() == larger and system.b_boots() == 1, "a larger home does for low levels"
    system.workload.check()

    machine.run(f"echo 'home = {default}M' >> /etc/kjump.conf")
    assert home() == default
    for _ in range(2):
        mark = machine.mark()
        job = machine.start("kjump checkpoint --level 19")
        assert job.wait(30) == 1
        assert f"a home of {default} MiB has room for levels up to 6, not for 19" in job.output()
        assert "is loaded already" in machine.run("kjump load"), "dropped in vain"
    machine.run("kjump unload")
    job = machine.start("kjump checkpoint --level 19")
    assert job.wait(30) == 1 and "levels up to 6" in job.output()
    assert system.b_boots() == 1
    system.workload.check()
    system.workload.finish()


# Behind the end of a first image, and in the way of a later one: each takes the room behind those that are there.
BAD_SPOT = 128 * MIB


def reach_bad_spot(system, options=""):
    """Checkpoints until one fails: that one's output, and the image before it."""
    older = None
    for _ in range(16):
        job = system.machine.start(f"kjump checkpoint --full --keep 15 {options}")
        status = job.wait(60)
        if status != 0:
            assert status == 1 and older, job.output()
            return job.output(), older
        state, older = image(system)
        assert state == "valid"
    raise AssertionError("no image reached the bad spot")


def test_write_error(make_system):
    """A bad spot on the device: A goes on with the reason, the older image is still there."""
    system = make_system(memory="512M", faults={"write": (BAD_SPOT // 512, 8)})
    machine = system.machine
    system.boot(memory=4, cache=4)
    output, older = reach_bad_spot(system)
    job = machine.start("kjump hibernate --full --keep 15")
    assert job.wait(60) == 1, job.output()
    for words in output, job.output():
        assert "cannot write" in words and "Input/output error" in words and "not saved" in words
    system.workload.check()
    assert image(system) == ("valid", older)
    machine.run(f"kjump verify {machine.device(system.image)}")
    assert system.b_boots() == 1
    system.workload.finish()


@pytest.mark.full
def test_verify_finds_a_read_error(make_system):
    """What was written and cannot be read again is no image."""
    system = make_system(memory="512M", faults={"read": (BAD_SPOT // 512, 8)})
    system.boot(memory=4, cache=4)
    output, older = reach_bad_spot(system, "--verify")
    assert "verification" in output and "Input/output error" in output
    state, found = image(system)
    assert state == "stale" and found["uuid"] != older["uuid"]
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
def test_long_memory_map(make_system):
    """A firmware map of more ranges than a kernel's boot parameters have room for."""
    system = make_system()
    machine = system.machine
    system.boot(memory=8, cache=4)
    # A's map, and 200 ranges more in a place where nothing is.
    machine.run("mkdir /run/map && cp -r /sys/firmware/memmap/* /run/map && i=0 && "
                "while [ $i -lt 200 ]; do d=/run/map/$((1000 + i)) && mkdir $d && "
                "printf '0x%x\\n' $((0x700000000 + i * 8192)) > $d/start && "
                "printf '0x%x\\n' $((0x700000fff + i * 8192)) > $d/end && "
                "echo Reserved > $d/type && i=$((i + 1)) || exit; done && "
                "mount --bind /run/map /sys/firmware/memmap")
    system.checkpoint()
    assert system.b_boots() == 1
    system.workload.check()
    system.restore(system.hibernate())
    system.workload.check()
    machine.run("umount /sys/firmware/memmap")
    system.workload.finish()


@pytest.mark.full
@pytest.mark.kexec_jump
def test_left_by_a_killed_one(make_system):
    """What a kjump that was killed while CPUs were off has noted is put back by the next one."""
    system = make_system()
    machine = system.machine
    system.boot(memory=8, cache=4)
    machine.run("kjump load", 120)
    machine.run("echo 0 > /sys/devices/system/cpu/cpu1/online; "
                "printf 'process = 999999\\nticks = 1\\ncpus = 0-1\\n' > /run/kjump/switched-off")
    assert "left CPUs or wake-ups switched off" in machine.run("kjump status")
    system.checkpoint()
    assert machine.run("cat /sys/devices/system/cpu/online").strip() == "0-1"
    assert "left" not in machine.run("kjump status")
