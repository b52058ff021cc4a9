# SPDX-License-Identifier: GPL-2.0-or-later
"""The picture of the demonstration."""

import json
import re
import xml.etree.ElementTree as ElementTree

from common import REPOSITORY, run

SVG = "{http://www.w3.org/2000/svg}"


def lines_of(path):
    """The lines of the picture from top to bottom, and of which style each is."""
    texts = ElementTree.parse(path).getroot().findall(f"{SVG}text")
    rows = [float(text.get("y")) for text in texts]
    assert rows == sorted(rows)
    return [(text.text, text.get("class").split()[0]) for text in texts]


def test_drawn_from_a_recording(tmp_path):
    """As a terminal shows it in the end, with what is markup in an SVG, waits cut short."""
    cast = tmp_path / "run.cast"
    events = [{"version": 2, "width": 110, "height": 24, "command": "make demo"},
              [1.0, "o", "[   1.0 s] a < b & c\r\n   B | 1 %\r   B | 2 "],
              [500.0, "o", "%\x1b[K\r\n"],
              [501.0, "o", "[ 501.0 s] Everything held.\r\n" + "x " * 100 + "\r\n"]]
    cast.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    done = run(REPOSITORY / "scripts/record-demo", "--cast", cast, tmp_path / "run.svg")
    assert done.returncode == 0, done.stderr
    lines = lines_of(tmp_path / "run.svg")
    assert lines[:4] == [("$ make demo", "command"), ("[   1.0 s] a < b & c", "told"),
                         ("   B | 2 %", "console"), ("[ 501.0 s] Everything held.", "good")]
    assert len(lines) == 6 and all(len(text) <= 110 for text, _ in lines)
    # Each line comes after the one before, and all of it is over in less than a minute.
    text = (tmp_path / "run.svg").read_text()
    assert float(re.search(r"animation: t1 ([\d.]+)s", text)[1]) < 60
    assert "prefers-reduced-motion" in text


def test_picture_of_the_readme():
    """Of a run that held, of these programs."""
    lines = [text for text, _ in lines_of(REPOSITORY / "docs/demo.svg")]
    assert lines[0] == "$ make demo" and "Everything held." in lines[-1]
    for words in ("kjump hibernate: system A is frozen", "kernel B booted", "The machine is off",
                  "Switching on, with rd.kjump.resume=", "All checksums hold"):
        assert any(words in line for line in lines), words
    assert "docs/demo.svg" in (REPOSITORY / "README.md").read_text()
