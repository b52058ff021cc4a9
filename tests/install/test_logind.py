# SPDX-License-Identifier: GPL-2.0-or-later
"""Real logind, of this machine's systemd and of the next Debian's, with what the generator tells it."""

import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

from common import REPOSITORY, run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root: a bus and mounts of its own")

HERE = REPOSITORY / "tests/install"
IN_ORDER = ["CanHibernate yes", "PrepareForSleep True", "locked", "started hibernate.target",
            "PrepareForSleep False"]


def this_one():
    return ["/lib/systemd/systemd-logind"]


def next_one():
    """By its own loader and libraries, out of its folder."""
    done = run(REPOSITORY / "tests/boot/debian", "trixie")
    assert done.returncode == 0, done.stderr
    root = done.stdout.strip()
    libraries = f"{root}/usr/lib/x86_64-linux-gnu"
    return [f"{root}/lib64/ld-linux-x86-64.so.2", "--library-path",
            f"{libraries}:{libraries}/systemd", f"{root}/usr/lib/systemd/systemd-logind"]


@pytest.fixture(params=[this_one, next_one], scope="module")
def logind(request):
    return request.param()


def told(folder):
    """The environment of the drop-in that the generator makes."""
    (folder / "etc").mkdir()
    (folder / "etc/kjump.conf").write_text("target = UUID=x\n")
    subprocess.run([REPOSITORY / "systemd/kjump-generator", folder / "units", "", ""], check=True,
                   env={**os.environ, "KJUMP_ROOT": str(folder),
                        "KJUMP_LIB": str(REPOSITORY / "boot")})
    text = (folder / "units/systemd-logind.service.d/50-kjump.conf").read_text()
    return dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE))


def happens(logind, folder, **environment):
    done = run("unshare", "--mount", "/usr/bin/python3", HERE / "logind.py", folder, *logind,
               env={**os.environ, **environment}, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_without(logind, tmp_path):
    """There is no swap, and logind does not even offer it."""
    assert happens(logind, tmp_path) == ["CanHibernate na"]


def test_order(logind, tmp_path):
    """Offered; and the service is started when whoever locks the screen has done so."""
    assert happens(logind, tmp_path, **told(tmp_path)) == IN_ORDER


def block_device():
    """Something that logind takes for a swap area when /proc/swaps says so."""
    for path in sorted(Path("/dev").iterdir()):
        if stat.S_ISBLK(path.stat().st_mode):
            return str(path)
    raise FileNotFoundError("/dev: no block device, not even a loop device")


def test_swap_of_others(logind, tmp_path):
    """
    Without EFI and `resume=`, newer ones do not offer it where there is swap, whatever they are told;
    and do when the kernel was told of a place that is none, as `sleep offer` does.
    """
    environment = {"SWAP": block_device(), **told(tmp_path)}
    before = happens(logind, tmp_path, **environment)
    assert before[0] == f"CanHibernate {'yes' if logind == this_one() else 'na'}"
    assert happens(logind, tmp_path, RESUME="9:99", **environment) == IN_ORDER
