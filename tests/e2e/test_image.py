# SPDX-License-Identifier: GPL-2.0-or-later
"""Images looked at from outside: info, verify, export, on the file that was the machine's disk."""

import json
import mmap
import os
import re
import struct
import subprocess

import pytest

import artifacts
from machine import MIB
from test_errors import DATA_START
from workload import host_path


def kjump(*words, environment=None):
    """Run kjump on this host, unprivileged. Returns the finished process; its output is bytes."""
    command = [artifacts.tools() / "kjump", *words]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment)


def info(path):
    done = kjump("info", "--json", path)
    return done.returncode, json.loads(done.stdout)


def test_format_keeps_what_is_there(tmp_path):
    """A file that libblkid does not know is somebody's, too."""
    path = tmp_path / "text"
    path.write_bytes(b"y\n" * 10_000_000)
    done = kjump("format", path)
    assert done.returncode == 1 and b"holds data" in done.stderr and b"--force" in done.stderr
    assert path.read_bytes() == b"y\n" * 10_000_000
    assert kjump("format", "--force", path).returncode == 0
    assert info(path)[1]["state"] == "empty"


def test_format_takes_no_file_for_a_target(tmp_path):
    """Kernel B would not find it, whatever its name is in kjump.conf."""
    path = tmp_path / "file"
    path.write_bytes(bytes(16 * MIB))
    done = kjump("format", path)
    assert done.returncode == 1 and b"is a file" in done.stderr and b"--force" in done.stderr
    assert path.read_bytes() == bytes(16 * MIB)
    assert kjump("format", "--force", path).returncode == 0


def test_claimed_file_without_image(tmp_path):
    """Whatever the names are, the output is JSON."""
    path = os.fsencode(tmp_path) + b'/a "quoted\\" \xc3\xa4 \xff\n name'
    with open(path, "wb") as file:
        file.truncate(16 * MIB)
    label = b'l"\\\xc3\xa4'
    assert kjump("format", "--force", "--label", label, path).returncode == 0
    status, found = info(path)
    assert status == 3
    assert found["device"] == os.fsdecode(tmp_path) + '/a "quoted\\" ä \ufffd\n name'
    assert found["label"] == 'l"\\ä'
    assert (found["state"], found["size"], found["image"]) == ("empty", 16 * MIB, None)

    # What is refused leaves everything as it is, --force or not.
    before = open(path, "rb").read()
    for bad in (b"\xff", b"\x1b[31m", b"a\nb", b"sixteen-bytes-it"):
        done = kjump("format", "--force", "--label", bad, path)
        assert done.returncode == 1 and b"label" in done.stderr
    assert open(path, "rb").read() == before

    done = kjump("verify", path)
    assert done.returncode == 3 and b"no image" in done.stdout
    with open(path, "r+b") as file:
        file.seek(524288 + 100)
        file.write(b"\xff")
    done = kjump("verify", path)
    assert done.returncode == 1 and b"superblock copy 1" in done.stderr
    assert info(path)[0] == 3, "one whole copy is enough to use the device"


def check_info(system, found):
    image = found["image"]
    pages = image["pages"]
    assert found["uuid"] == system.uuid()
    assert found["state"] == "valid" and image["kind"] == "checkpoint"
    assert image["release"] == system.machine.run("uname -r")
    assert sum(pages.values()) == 2 * pages["ram"]
    assert abs(image["created"] - int(system.machine.run("date +%s"))) < 600
    assert image["device_bytes"] >= image["stored_bytes"] > 0
    assert image["index"]["fill"] == "none" and image["index"]["vmcoreinfo_bytes"] > 1000
    assert image["index"]["watched"] > 0 and image["index"]["build"].startswith("#1 ")
    return pages


def segments(core):
    """(offset, virtual address, physical address, size) of each segment of memory."""
    with open(core, "rb") as file:
        header = file.read(64)
        offset, = struct.unpack_from("<Q", header, 32)
        count, = struct.unpack_from("<H", header, 56)
        file.seek(offset)
        found = [struct.unpack("<IIQQQQQQ", file.read(56)) for _ in range(count)]
    return [segment[2:6] for segment in found if segment[0] == 1]


def direct_map(core):
    """Where the program headers say that physical 0 is."""
    starts = {virtual - physical for _, virtual, physical, _ in segments(core)}
    assert len(starts) == 1
    return starts.pop()


TAGGED = 50000  # pages


def tag_memory(machine):
    """Fill much of memory with pages that have numbers, so that the home lies in some of them."""
    machine.run("mount -t tmpfs -o size=80% none /root")
    machine.run(f"""awk 'BEGIN {{ for (i = 0; i < {TAGGED}; i++) printf "%-4096d", i }}' > /root/tags""",
                60)


def check_tags(machine, core):
    """Every page is there, and many of them in the home: as (start, size) `kjump load` prints it."""
    line = machine.run("kjump load")
    size, start = re.search(r"home ([\d.]+) MiB at (0x[0-9a-f]+)", line).groups()
    start, end = int(start, 16), int(start, 16) + int(float(size) * MIB)
    page = re.compile(rb"(\d+) +")
    found, in_home = set(), 0
    with open(core, "rb") as file, \
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        for offset, _, physical, length in segments(core):
            for at in range(0, length, 4096):
                match = page.fullmatch(memory, offset + at, offset + at + 4096)
                if match:
                    found.add(int(match[1]))
                    in_home += start <= physical + at < end
    assert found >= set(range(TAGGED))
    assert in_home > 1000


def check_export(system, pages):
    core = system.image.path.parent / "vmcore"
    done = kjump("export", system.image.path, core)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert core.stat().st_size >> 12 >= pages["ram"]
    assert core.stat().st_blocks >> 3 <= pages["data"] + pages["home"] + 16, "not sparse"
    assert 0xff << 56 <= direct_map(core) < 0xffffffff << 32
    assert kjump("export", system.image.path, core).returncode == 1, "overwritten"
    check_tags(system.machine, core)

    def makedumpfile(*words):
        return subprocess.run(["makedumpfile", "--message-level", "31", *words, core,
                               core.parent / "made"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=True, env=host_path()).stdout

    found = re.search(rb"Free pages +: 0x([0-9a-f]+)", makedumpfile("-l", "-d", "31"))
    # The home is not counted among the image's free pages, but parts of it may be free in A.
    assert -1024 <= int(found[1], 16) - pages["free"] <= pages["home"] + 1024
    (core.parent / "made").unlink()
    makedumpfile("--dump-dmesg")
    log = (core.parent / "made").read_text()
    assert "Linux version" in log and "Disabling non-boot CPUs" in log


def test_checkpoint_as_a_file(make_system):
    system = make_system(memory="512M")
    system.boot(memory=8, cache=4)
    tag_memory(system.machine)
    system.checkpoint()
    path = system.image.path
    status, found = info(path)
    assert status == 0
    pages = check_info(system, found)

    done = kjump("verify", path)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert f"{pages['data']} of data" in done.stdout.decode()
    assert b"MB/s" in done.stdout

    check_export(system, pages)

    with open(path, "r+b") as file:
        end = DATA_START + found["image"]["device_bytes"]
        file.seek((DATA_START + end) // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))
    done = kjump("verify", path)
    assert done.returncode == 1 and not done.stdout
    assert b"mismatch" in done.stderr and b"damaged" in done.stderr
    # Progress is for terminals only; there it leaves nothing behind but the line that counts.
    done = subprocess.run(["script", "-qec", f"{artifacts.tools()}/kjump verify {path}",
                           "/dev/null"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert done.returncode == 1 and b"MB/s\x1b[K" in done.stdout
    assert done.stdout.rstrip().splitlines()[-1].split(b"\x1b[K")[-1].startswith(b"kjump: ")
