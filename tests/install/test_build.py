# SPDX-License-Identifier: GPL-2.0-or-later
"""What `make` says when something is missing, and what it makes anew."""

import os
import subprocess
from pathlib import Path

import pytest

from common import BUILD, REPOSITORY, fast_zstd, make

# What need not be made again for kernel B's initramfs.
BUILT = ("flags", "ready", "obj", "bare", "libkjump.a", "kjump-write", "kjump-back")


def compiler_without(folder, *headers):
    """A compiler that does not find these headers."""
    path = folder / "cc"
    tests = "\n".join(f'! grep -q "<{header}>" "$word" || exit 1' for header in headers)
    path.write_text('#!/bin/sh\nfor word; do\n[ "${word%.c}" != "$word" ] || continue\n'
                    f'{tests or ":"}\ndone\nexec gcc "$@"\n')
    path.chmod(0o755)
    return path


def programs_without(folder, *names):
    """A folder with links to all programs but these."""
    folder.mkdir()
    for directory in ("/usr/bin", "/usr/sbin", "/bin", "/sbin"):
        for program in Path(directory).iterdir():
            link = folder / program.name
            if program.name not in names and not link.is_symlink():
                link.symlink_to(program)
    return folder


def said(done):
    lines = [line for line in done.stderr.splitlines() if "***" not in line]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize("headers, programs, packages", [
    (["zstd.h", "libmount/libmount.h"], [], "libmount-dev libzstd-dev"),
    (["blkid/blkid.h", "libdevmapper.h", "xxhash.h"], ["cpio", "zstd"],
     "libblkid-dev libdevmapper-dev libxxhash-dev cpio zstd"),
    (["gcrypt.h"], [], "libgcrypt20-dev"),
    ([], ["busybox"], "busybox-static"),
])
def test_all_that_is_missing_in_one_line(tmp_path, headers, programs, packages):
    build = tmp_path / "build"
    done = make(f"BUILD={build}", f"CC={compiler_without(tmp_path, *headers)}",
                PATH=str(programs_without(tmp_path / "bin", *programs)))
    assert done.returncode != 0
    assert f"missing here: {packages} (" in said(done)
    assert not list(build.rglob("*.o"))


def test_no_compiler(tmp_path):
    done = make(f"BUILD={tmp_path / 'build'}", "CC=/nowhere/cc")
    assert "missing here: gcc (" in said(done)


def test_initramfs_for_another_kernel(tmp_path):
    """It is made anew when KERNEL is another one, and when that one has other modules."""
    build = tmp_path / "build"
    build.mkdir()
    subprocess.run(["cp", "-a", *(BUILD / name for name in BUILT), build], check=True)
    path = fast_zstd(tmp_path / "fast")
    lists = {}
    for release in ("a", "b"):
        lists[release] = tmp_path / release / "modules.dep"
        lists[release].parent.mkdir()
        lists[release].write_text("")
        (lists[release].parent / "modules.alias").write_text("")

    def image(release=""):
        """Is it made?"""
        done = make("initramfs", f"BUILD={build}", f"KERNEL={release}",
                    *([f"MODULES_OF_B={lists[release].parent}"] if release else []), PATH=path)
        assert done.returncode == 0, done.stderr
        return "IMAGE" in done.stdout

    assert image()
    assert not image()
    assert image("a")
    assert not image("a")
    assert image("b")
    os.utime(lists["b"], (2**31, 2**31))
    assert image("b")
    assert image()


def test_the_lists_agree():
    """Whatever scripts/missing names is what scripts/deps build installs."""
    names = set()
    for line in (REPOSITORY / "scripts/missing").read_text().splitlines():
        words = line.split()
        if len(words) > 1 and words[0].endswith(("-dev", "utils", "static", "cpio", "zstd")):
            names.add(words[0])
    assert len(names) == 12
    text = (REPOSITORY / "scripts/deps").read_text()
    installed = text.split('build="')[1].split('"')[0].split()
    assert names <= set(installed)
    assert not [name for name in installed if "qemu" in name or "source" in name]
