# SPDX-License-Identifier: GPL-2.0-or-later
"""A server held for a long time: hibernated, restored and saved many times over under load."""

import os
import re
import subprocess
import time

import pytest

from load import Load
from workload import host_path

SUITES = os.environ.get("KJUMP_SUITES", "bookworm trixie").split()
KINDS = os.environ.get("KJUMP_KINDS", "lvm luks").split()
CYCLES = int(os.environ.get("KJUMP_CYCLES", "20"))
MINUTES = int(os.environ.get("KJUMP_MINUTES", "60"))

pytestmark = [pytest.mark.parametrize("suite", SUITES), pytest.mark.parametrize("kind", KINDS)]


@pytest.fixture
def make_load():
    loads = []

    def make(server):
        loads.append(Load(server))
        return loads[-1]

    yield make
    for load in loads:
        load.stop()


def finish(server, load):
    load.finish()
    assert server.call("cat /sys/fs/ext4/*/errors_count | grep -v '^0$'")[0] == 1
    server.shut_down()
    offset = server.image / "root-offset"
    if offset.exists():
        place = f"{server.machine.disks[0].path}?offset={offset.read_text().strip()}"
        done = subprocess.run(["e2fsck", "-f", "-n", place], env=host_path(), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout


def test_cycles(make_server, make_load, suite, kind):
    """Hibernations as logind does them, alternating with checkpoints."""
    server = make_server(suite, kind)
    load = make_load(server)
    load.check()
    for number in range(1, CYCLES + 1):
        off = 0
        if number % 2:
            server.hibernate()
            server.say(f"cycle {number}: off")
            # Long enough to tell clocks that go on from clocks that do not.
            time.sleep(10)
            off = server.restore()
        else:
            server.checkpoint()
        load.check(off)
        server.say(f"cycle {number}: done")
    story = server.run("kjump history")
    restored = re.findall(r"  hibernation +restored", story)
    assert len(restored) == min((CYCLES + 1) // 2, story.count("\n") + 1), story
    finish(server, load)


def test_checkpoint_each_minute(make_server, make_load, suite, kind):
    """Load.finish() says how long the longest pause of a client was."""
    server = make_server(suite, kind)
    load = make_load(server)
    for number in range(1, MINUTES + 1):
        begun = time.monotonic()
        server.checkpoint()
        load.check()
        server.say(f"checkpoint {number}: {time.monotonic() - begun:.0f} s")
        time.sleep(max(0, begun + 60 - time.monotonic()))
    finish(server, load)
