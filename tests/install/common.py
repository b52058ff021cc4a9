# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of this folder share."""

import os
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build"


def make(*arguments, **environment):
    """Run make as a user would, not as a part of the make that runs the tests."""
    clean = {name: value for name, value in os.environ.items()
             if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DESTDIR", "PREFIX")}
    return subprocess.run(["make", "-C", REPOSITORY, "--no-print-directory", *arguments], text=True,
                          env={**clean, **environment}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)


def run(*arguments, **keywords):
    """Run a program; its output is in .stdout and .stderr."""
    return subprocess.run(arguments, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          **keywords)


def fast_zstd(folder):
    """A PATH with a zstd that is quick: how well something is compressed is no matter here."""
    folder.mkdir(exist_ok=True)
    (folder / "zstd").write_text('#!/bin/sh\nexec /usr/bin/zstd -q -1 "$4" -o "$6"\n')
    (folder / "zstd").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"
