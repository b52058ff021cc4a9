# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts and services start programs with: closed descriptors, files that are none."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from common import BUILD, run

PROGRAMS = [("kjump", "format", "DISK"), ("kjump", "info", "DISK"), ("kjump-write", "--bogus"),
            ("kjump-restore", "--check", "DISK"), ("kjump-back", "--bogus")]


@pytest.fixture
def disk():
    """A claimed file on tmpfs, where O_DIRECT does not refuse what is no block of a disk."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        file.truncate(64 << 20)
        assert run(BUILD / "kjump", "format", "--force", file.name).returncode == 0
        yield Path(file.name)


@pytest.mark.parametrize("closed", ["0", "1", "2", "0 1 2"])
@pytest.mark.parametrize("words", PROGRAMS, ids=lambda words: " ".join(words[:2]))
def test_closed_descriptors(disk, words, closed):
    """No message goes into the file that is opened instead of standard error."""
    before = disk.read_bytes()
    program, *rest = [str(disk) if word == "DISK" else word for word in words]
    redirections = " ".join(f"{number}>&-" for number in closed.split())
    done = run("sh", "-c", f'exec "$0" "$@" {redirections}', BUILD / program, *rest)
    assert done.returncode not in (0, 127) or words[1] == "info"
    assert disk.read_bytes() == before


def test_closed_output_is_told(disk):
    done = run("sh", "-c", 'exec "$0" info "$1" >&-', BUILD / "kjump", disk)
    assert done.returncode and "standard output: cannot be written" in done.stderr


@pytest.fixture(params=["fifo", "endless"])
def odd(request, tmp_path):
    """Nothing ever comes out of one, and out of the other it never stops."""
    if request.param == "endless":
        return "/dev/zero"
    os.mkfifo(tmp_path / "fifo")
    return str(tmp_path / "fifo")


@pytest.mark.parametrize("words", [
    ("kjump", "check", "--config", "ODD"), ("kjump", "history", "ODD"),
    ("kjump", "info", "ODD"), ("kjump", "verify", "ODD"), ("kjump", "export", "ODD", "OUT"),
    ("kjump", "format", "ODD"), ("kjump", "discard", "ODD"), ("kjump-restore", "ODD"),
    ("kjump-write", "--source", "vmcore:ODD", "--output", "OUT"),
], ids=" ".join)
def test_file_that_is_none(words, odd, tmp_path):
    """Refused at once, by its name."""
    names = {"ODD": odd, "OUT": str(tmp_path / "out")}
    program, *rest = ["ODD" in word and word.replace("ODD", odd) or names.get(word, word)
                      for word in words]
    done = run(BUILD / program, *rest, timeout=20, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and odd in done.stderr


def test_settings_by_their_name(tmp_path):
    """Messages and advice speak of the file that was named."""
    settings = tmp_path / "other.conf"
    settings.write_text("")
    done = run(BUILD / "kjump", "check", "--config", settings)
    assert str(settings) in done.stdout and "/etc/kjump.conf" not in done.stdout
    assert f"none set in {settings}" in run(BUILD / "kjump", "status", "--config", settings).stdout
    assert f"no target set in {settings}" in run(BUILD / "kjump", "info", "--config",
                                                 settings).stderr


@pytest.mark.parametrize("words", [("format", ""), ("info", ""), ("export", "", "x"),
                                   ("export", "x", "")])
def test_empty_argument(words):
    done = run(BUILD / "kjump", *words)
    assert done.returncode == 2 and " is empty; try 'kjump help " in done.stderr


@pytest.mark.parametrize("command", ["checkpoint", "hibernate"])
def test_nobody_reads_of_a_save(command):
    """What a save has begun is ended, though its messages go nowhere."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([BUILD / "kjump", command, "--dry-run", "--target", "/dev/nowhere"],
                          stdout=writer, stderr=writer)
    os.close(writer)
    assert done.returncode == 1


def test_help_of_help():
    done = run(BUILD / "kjump", "help", "help")
    assert done.returncode == 0 and done.stdout == run(BUILD / "kjump", "help").stdout
