# SPDX-License-Identifier: GPL-2.0-or-later
"""The memory that `make bench` saves: a core of a 2 GiB virtual machine full of page cache.

Made once and kept in the cache outside the checkout.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import artifacts  # noqa: E402
import content  # noqa: E402

MIB = 1 << 20
GUEST_MIB = 2048
FILES_MB = 1400     # the goals are for 1.2 GB and more

INIT = """#!/bin/busybox sh
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
busybox mount -t ext4 -o ro /dev/vda /mnt
busybox find /mnt -type f -exec busybox cat {} + > /dev/null
echo "cached $(busybox sed -n 's/^Cached: *//p' /proc/meminfo)"
while :; do busybox sleep 3600; done
"""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def make_initramfs(work):
    root = work / "root"
    for name in ("bin", "dev", "mnt", "proc", "sys"):
        (root / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)
    image = work / "initramfs"
    with open(image, "wb") as file:
        subprocess.run("find . | LC_ALL=C sort | cpio --quiet -o -H newc -R +0:+0", shell=True,
                       cwd=root, stdout=file, check=True)
    return image


class Monitor:
    """QEMU's machine protocol, as far as it is needed here."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("r")
        self.lines.readline()
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        request = {"execute": command, "arguments": arguments}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = json.loads(self.lines.readline())
            if "error" in answer:
                raise SystemExit(f"bench: QEMU: {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]


def wait_cached(console, qemu, seconds=600):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and qemu.poll() is None:
        cached = re.search(r"^cached (\d+) kB", console.read_text(errors="replace"), re.M)
        if cached:
            return int(cached[1]) // 1024
        time.sleep(0.5)
    end = "\n".join(console.read_text(errors="replace").splitlines()[-20:])
    raise SystemExit(f"bench: the guest did not fill its page cache:\n{end}")


def dump_guest(work, kernel, raw):
    """Boot the guest, let it read all files, and dump its memory into RAW."""
    console, monitor = work / "console", work / "monitor"
    console.touch()
    qemu = subprocess.Popen(
        ["qemu-system-x86_64", "-M", "q35", "-accel", artifacts.accelerator(), "-cpu", "max",
         "-m", str(GUEST_MIB), "-smp", "2", "-nodefaults", "-display", "none",
         "-serial", f"file:{console}", "-qmp", f"unix:{monitor},server=on,wait=off",
         "-device", "vmcoreinfo",
         "-drive", f"file={content.image(FILES_MB)},if=none,id=disk,format=raw,snapshot=on",
         "-device", "virtio-blk-pci,drive=disk",
         "-kernel", str(kernel), "-initrd", str(make_initramfs(work)),
         "-append", "console=ttyS0 no-kvmclock panic=-1"], stdin=subprocess.DEVNULL)
    try:
        cached = wait_cached(console, qemu)
        say(f"the guest holds {cached} MiB in its page cache; dumping it")
        control = Monitor(monitor)
        control.execute("stop")
        control.execute("dump-guest-memory", paging=False, protocol=f"file:{raw}")
        control.execute("quit")
        qemu.wait(60)
    finally:
        if qemu.poll() is None:
            qemu.kill()
            qemu.wait()


def move_headers(raw, core):
    """Write RAW again with its program headers right behind the ELF header, where makedumpfile
    looks for them: QEMU 7.2 puts them elsewhere."""
    with open(raw, "rb") as source, open(core, "wb") as target:
        header = bytearray(source.read(64))
        offset, size, count = (struct.unpack_from(form, header, at)[0]
                               for form, at in (("<Q", 32), ("<H", 54), ("<H", 56)))
        source.seek(offset)
        table = [bytearray(source.read(size)) for _ in range(count)]
        place = (64 + size * count + 4095) // 4096 * 4096
        struct.pack_into("<Q", header, 32, 64)      # e_phoff
        struct.pack_into("<Q", header, 40, 0)       # no sections
        struct.pack_into("<3H", header, 58, 0, 0, 0)
        copies = []
        for entry in table:
            start, length = (struct.unpack_from("<Q", entry, at)[0] for at in (8, 32))
            struct.pack_into("<Q", entry, 8, place)
            copies.append((start, place, length))
            place = (place + length + 4095) // 4096 * 4096
        target.write(header + b"".join(table))
        for start, to, length in copies:
            source.seek(start)
            target.seek(to)
            while length:
                block = source.read(min(length, 4 * MIB))
                target.write(block)
                length -= len(block)
        target.truncate(place)


def vmcore(version):
    """Path of the core of a guest with kernel VERSION; made first when it is not in the cache."""
    kernel = artifacts.kernel(version)
    recipe = f"{kernel} {GUEST_MIB} {content.image(FILES_MB)} {INIT}"
    key = hashlib.sha256(recipe.encode()).hexdigest()[:16]
    path = content.cache() / f"{version}-{key}.core"
    if path.exists():
        return path
    say("making the memory to save (once, about two minutes)")
    with tempfile.TemporaryDirectory(dir=content.cache()) as work:
        work = Path(work)
        raw = work / "raw"
        dump_guest(work, kernel, raw)
        move_headers(raw, work / "core")
        os.rename(work / "core", path)
    return path


if __name__ == "__main__":
    print(vmcore(sys.argv[1] if len(sys.argv) > 1 else "6.12"))
