# SPDX-License-Identifier: GPL-2.0-or-later
"""A core of the same machine after some work: a share of its pages is others.

What a program writes lies together more or less: runs of 1 to 64 pages, each of which gets the content of another
page in use of the same machine, so that it compresses as well as real content. Which ones follows from a seed.
"""

import random
import shutil
import struct

PAGE = 4096
ZERO = bytes(PAGE)


def _segments(file):
    """Places and sizes of the memory in the file."""
    file.seek(32)
    offset, = struct.unpack("<Q", file.read(8))
    file.seek(54)
    size, count = struct.unpack("<2H", file.read(4))
    for number in range(count):
        file.seek(offset + number * size)
        kind, _, start, _, _, length = struct.unpack("<IIQQQQ", file.read(40))
        if kind == 1:
            yield start, length


def make(core, path, share, first):
    """At PATH the machine of CORE with SHARE (0 to 1) of the pages that are not zero changed, none of them before
    byte FIRST of the file, where its kernel has what tells free pages; returns how many."""
    shutil.copyfile(core, path)
    rng = random.Random(int(share * 1000))
    changed = 0
    with open(core, "rb") as source, open(path, "r+b") as target:
        used = []
        for start, length in _segments(source):
            for at in range(start, start + length - PAGE + 1, PAGE):
                source.seek(at)
                if source.read(PAGE) != ZERO:
                    used.append(at)
        wanted = int(share * len(used))
        used = [at for at in used if at >= first]
        while changed < wanted:
            first = rng.randrange(len(used))
            for at in used[first:first + min(rng.randint(1, 64), wanted - changed)]:
                source.seek(rng.choice(used))
                page = bytearray(source.read(PAGE))
                struct.pack_into("<Q", page, 8 * rng.randrange(512), rng.getrandbits(64))
                target.seek(at)
                target.write(page)
                changed += 1
    return changed
