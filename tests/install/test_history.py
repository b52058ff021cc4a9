# SPDX-License-Identifier: GPL-2.0-or-later
"""What became of each save, as a table and a picture; and the status for everybody."""

import json
import os
import shutil
import xml.etree.ElementTree as ElementTree

import pytest

from common import BUILD, run

EVENTS = [
    {"time": 1795000000, "event": "restored", "operation": "hibernation", "target": "UUID=x",
     "data_bytes": 734003200, "written_bytes": 209715200,
     "ms": {"freezing": 1500, "saving": 9000, "reading": 4000, "placing": 900}},
    {"time": 1795001000, "event": "failed", "operation": "checkpoint", "target": "UUID=x",
     "cause": "no room for <it> & more", "ms": {}},
    {"time": 1795002000, "event": "saved", "operation": "checkpoint", "target": "UUID=x",
     "data_bytes": 1024, "written_bytes": 1024, "ms": {"saving": 100, "leaving": 200}},
    {"time": 1795003000, "event": "booted on", "target": "UUID=x", "cause": "another disk", "ms": {}},
]


@pytest.fixture
def history(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text("".join(f"{json.dumps(event)}\n" for event in EVENTS))
    return path


def test_table(history):
    done = run(BUILD / "kjump", "history", history, env={**os.environ, "TZ": "UTC"})
    assert done.returncode == 0 and not done.stderr
    assert done.stdout.splitlines() == [
        "2026-11-18 11:06:40  hibernation  restored   700.0 MiB   200.0 MiB"
        "  saved 10.5 s, restored 4.9 s",
        "2026-11-18 11:23:20  checkpoint   failed: no room for <it> & more",
        "2026-11-18 11:40:00  checkpoint   saved        1.0 KiB     1.0 KiB  saved 0.1 s, back 0.2 s",
        "2026-11-18 11:56:40  boot         not restored: another disk"]


def test_last_ones(history):
    """The table does not scroll away."""
    history.write_text(f"{json.dumps(EVENTS[1])}\n" * 100 + f"{json.dumps(EVENTS[0])}\n")
    lines = run(BUILD / "kjump", "history", history).stdout.splitlines()
    assert len(lines) == 40 and "restored" in lines[-1]


def test_plot(history, tmp_path):
    """A picture that parsers take, with a bar for each phase, in proportion."""
    picture = tmp_path / "picture.svg"
    done = run(BUILD / "kjump", "history", "--plot", picture, history)
    assert done.returncode == 0 and not done.stdout + done.stderr
    tag = "{http://www.w3.org/2000/svg}"
    bars = [bar for bar in ElementTree.parse(picture).getroot().iter(f"{tag}rect")
            if bar.find(f"{tag}title") is not None]
    named = {bar.find(f"{tag}title").text: float(bar.get("width")) for bar in bars}
    assert list(named) == ["freezing 1.50 s", "saving 9.00 s", "reading 4.00 s", "placing 0.90 s",
                           "saving 0.10 s", "leaving 0.20 s"]
    assert named["saving 9.00 s"] / named["freezing 1.50 s"] == pytest.approx(6, abs=0.05)


def test_picture_of_anything(tmp_path):
    """Texts of a file from elsewhere are texts in the picture."""
    history, picture = tmp_path / "history.jsonl", tmp_path / "picture.svg"
    history.write_text(json.dumps({**EVENTS[0], "operation": "<a b=\"c\">&'\u001b\u009b"}) + "\n")
    assert run(BUILD / "kjump", "history", "--plot", picture, history).returncode == 0
    texts = [text.text for text in
             ElementTree.parse(picture).getroot().iter("{http://www.w3.org/2000/svg}text")]
    assert any("<a b=\"c\">&'" in text for text in texts)


def test_picture_that_is_there(history, tmp_path):
    """It stays, whatever it is; a pipe is no file."""
    picture = tmp_path / "picture.svg"
    picture.write_text("something else")
    done = run(BUILD / "kjump", "history", "--plot", picture, history)
    assert done.returncode == 1 and "File exists; nothing was written" in done.stderr
    assert picture.read_text() == "something else"
    assert "<svg" in run("sh", "-c", '"$0" history --plot /dev/stdout "$1" | cat',
                         BUILD / "kjump", history).stdout


def test_lines_of_others(history, tmp_path):
    """Without blanks, as jq -c writes them; and what is no event is told."""
    tight = tmp_path / "tight.jsonl"
    tight.write_text("".join(f"{json.dumps(event, separators=(',', ':'))}\n" for event in EVENTS))
    done = run(BUILD / "kjump", "history", tight)
    assert done.stdout == run(BUILD / "kjump", "history", history).stdout and not done.stderr
    tight.write_text(tight.read_text() + "garbage\n\n[1]\n")
    done = run(BUILD / "kjump", "history", tight)
    assert done.returncode == 0 and "2 lines are no events; left out" in done.stderr
    tight.write_text("garbage")
    done = run(BUILD / "kjump", "history", tight)
    assert done.returncode == 1 and "1 line is no event; left out" in done.stderr


def test_not_there(tmp_path, history):
    done = run(BUILD / "kjump", "history", tmp_path / "nothing")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    done = run(BUILD / "kjump", "history", "--plot", tmp_path / "no/picture.svg", history)
    assert done.returncode == 1 and "nothing was written" in done.stderr


def test_status_for_everybody(tmp_path):
    """Who is not root is told what there is to save, and no error."""
    shutil.copy(BUILD / "kjump", tmp_path / "kjump")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        os.chmod(folder, 0o755)
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    words = [] if os.geteuid() else as_nobody
    done = run(*words, tmp_path / "kjump", "status")
    assert done.returncode == 0 and not done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert "at most" in lines["now"] and "to save" in lines["now"]
    assert "denied" not in done.stdout
