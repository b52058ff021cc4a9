# SPDX-License-Identifier: GPL-2.0-or-later
"""The report of the machine that runs this test."""

import os
import re
import stat
from pathlib import Path

from common import BUILD, run


def report(path):
    done = run(BUILD / "kjump", "report", path)
    # Who is not root is told so, and gets what there is.
    assert done.returncode == (1 if os.geteuid() else 0), done.stderr
    assert str(path) in done.stdout
    return path.read_text()


def test_names_are_not_in_it(tmp_path):
    """Nor what nobody knows but the machine."""
    text = report(tmp_path / "report.txt")
    names = {os.uname().nodename.split(".")[0]}
    for pattern in ("/etc/machine-id", "/sys/class/net/*/address", "/sys/class/dmi/id/*serial"):
        for path in Path("/").glob(pattern[1:]):
            try:
                names.add(path.read_text().strip())
            except OSError:
                pass
    ordinary = {"localhost", "debian", "ubuntu", "fedora", "user", "linux"}
    for name in names - ordinary:
        if len(name) > 1 and set(name) - set("0:.- "):
            assert not re.search(rf"(?<![a-zA-Z0-9]){re.escape(name)}(?![a-zA-Z0-9])", text), name
    assert not re.search(r"(?!0{8})[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", text)


def test_parts(tmp_path):
    text = report(tmp_path / "report.txt")
    assert os.uname().release in text
    titles = re.findall(r"^== (.*)", text, re.MULTILINE)
    assert {"system", "kjump check", "memory", "disks", "kernel log", "history"} <= set(titles)
    checks = text.split("== kjump check\n")[1].split("\n\n")[0].splitlines()
    names = run(BUILD / "kjump", "check").stdout
    assert len(checks) == len(re.findall(r"^(?:ok|warning|problem|unknown) ", names, re.MULTILINE))


def test_settings_of_another_file(tmp_path):
    (tmp_path / "kjump.conf").write_text("level = 7\n")
    done = run(BUILD / "kjump", "report", "--config", tmp_path / "kjump.conf", tmp_path / "report.txt")
    assert done.returncode == (1 if os.geteuid() else 0), done.stderr
    assert "\nlevel = 7\n" in (tmp_path / "report.txt").read_text()


def test_only_a_new_file(tmp_path):
    """For its owner alone, and never in place of another one, nor through a link."""
    path = tmp_path / "report.txt"
    report(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "link.txt").symlink_to(tmp_path / "elsewhere.txt")
    for taken in (path, tmp_path / "link.txt", tmp_path / "no/report.txt"):
        done = run(BUILD / "kjump", "report", taken)
        assert done.returncode == 1 and "nothing was written" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "elsewhere.txt").exists()
    # Without a name it has the time.
    done = run(BUILD / "kjump", "report", cwd=tmp_path)
    name = done.stdout.split(":")[0]
    assert re.fullmatch(r"kjump-report-\d{8}-\d{6}\.txt", name) and (tmp_path / name).exists()
