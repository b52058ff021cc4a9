# SPDX-License-Identifier: GPL-2.0-or-later
"""Colours: on a terminal, and for those who want them."""

import json
import os
import pty
import subprocess

import pytest

from common import BUILD, run

EVENT = {"time": 1795001000, "event": "failed", "operation": "checkpoint", "target": "UUID=x",
         "cause": "no room", "ms": {}}
RED, END = "\x1b[1;31m", "\x1b[0m"


@pytest.fixture
def history(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text(json.dumps(EVENT) + "\n")
    return path


def on_terminal(*arguments, **environment):
    """What a program prints on a terminal."""
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    master, slave = pty.openpty()
    with subprocess.Popen(arguments, stdout=slave, env={**clean, "TERM": "linux", **environment}):
        os.close(slave)
        output = b""
        try:
            while data := os.read(master, 4096):
                output += data
        except OSError:  # the other end is closed
            pass
    os.close(master)
    return output.decode()


def test_terminal(history):
    assert f"{RED}failed{END}: no room" in on_terminal(BUILD / "kjump", "history", history)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}])
def test_not_wanted(history, environment):
    output = on_terminal(BUILD / "kjump", "history", history, **environment)
    assert "failed: no room" in output and "\x1b" not in output


def test_empty_says_nothing(history):
    """https://no-color.org: when present and not an empty string."""
    assert RED in on_terminal(BUILD / "kjump", "history", history, NO_COLOR="")


def test_no_terminal(history):
    assert "\x1b" not in run(BUILD / "kjump", "history", history).stdout


@pytest.mark.parametrize("option,colored", [("--color", True), ("--color=always", True),
                                            ("--color=never", False), ("--color=auto", False)])
def test_option(history, option, colored):
    """Goes before what the environment says."""
    environment = {**os.environ, "NO_COLOR": "1"}
    done = run(BUILD / "kjump", "history", option, history, env=environment)
    assert (RED in done.stdout) == colored
    checked = run(BUILD / "kjump", "check", option, env=environment).stdout
    assert (RED in checked) == colored and ("problem" in checked)


def test_wrong_word(history):
    done = run(BUILD / "kjump", "history", "--color=sometimes", history)
    assert done.returncode == 2 and "neither auto nor always nor never" in done.stderr


def test_json_has_none():
    assert "\x1b" not in run(BUILD / "kjump", "check", "--json", "--color").stdout
