# SPDX-License-Identifier: GPL-2.0-or-later
"""Real files for a guest's page cache: an ext4 image filled from this machine's /usr, cached."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCES = ["/usr/bin", "/usr/lib/x86_64-linux-gnu", "/usr/lib/gcc", "/usr/share", "/usr/include",
           "/usr/src"]
MIB = 1 << 20


def cache():
    """Folder for what is made once; outside the checkout."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kjump/bench"
    base.mkdir(parents=True, exist_ok=True)
    return base


def _files():
    """Every file once, whatever the number of its names: a page cache holds it once, too."""
    seen = set()
    for source in SOURCES:
        for folder, folders, names in os.walk(source):
            folders.sort()
            for name in sorted(names):
                path = Path(folder, name)
                if path.is_symlink() or not path.is_file():
                    continue
                inode = path.stat().st_dev, path.stat().st_ino
                if inode not in seen:
                    seen.add(inode)
                    yield path


def _fill(folder, size):
    """Copy files until SIZE bytes are there."""
    total = 0
    for number, path in enumerate(_files()):
        length = path.stat().st_size
        if not length or total + length > size:
            continue
        shutil.copyfile(path, folder / f"{number}")
        total += length
        if size - total < 4096:
            break
    return total


def image(megabytes):
    """Path of an ext4 image that holds files of nearly MEGABYTES MB."""
    path = cache() / f"files-{megabytes}.ext4"
    if path.exists():
        return path
    with tempfile.TemporaryDirectory(dir=cache()) as folder:
        files = Path(folder, "files")
        files.mkdir()
        size = megabytes * 1000000
        if _fill(files, size) < 0.95 * size:
            raise RuntimeError(f"less than {megabytes} MB of files in {', '.join(SOURCES)}")
        new = Path(folder, "image")
        with open(new, "wb") as file:
            file.truncate((size // MIB + 200) * MIB)
        subprocess.run(["/sbin/mkfs.ext4", "-q", "-F", "-d", files, new], check=True)
        new.rename(path)
    return path
