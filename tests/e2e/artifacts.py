# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests boot: kernels, kernel B's initramfs and the guest; and how QEMU runs here."""

import functools
import os
import subprocess
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build"
OUTPUT = BUILD / "e2e"


def call(*command):
    """Run a build step; the end of its output is shown only when it fails."""
    done = subprocess.run([str(word) for word in command], cwd=REPOSITORY, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        end = "\n".join(done.stdout.splitlines()[-20:])
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{end}")


@functools.lru_cache(None)
def kernel(version="6.12"):
    """Path of the bzImage of a test kernel; built first when it is not in the cache."""
    script = REPOSITORY / "tests/kernel/build"
    done = subprocess.run([script, version], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())


@functools.lru_cache(None)
def tools():
    """Folder of the programs."""
    call("make", "-s", "all")
    return BUILD


@functools.lru_cache(None)
def b_initramfs():
    path = OUTPUT / "kjump-initramfs.img"
    call(REPOSITORY / "initramfs/build", "--tools", tools(), path)
    return path


@functools.lru_cache(None)
def guest(version="6.12"):
    """The guest's initramfs; inside it kernel VERSION serves as kernel B."""
    path = OUTPUT / f"guest-{version}.img"
    OUTPUT.mkdir(parents=True, exist_ok=True)
    call(REPOSITORY / "tests/e2e/guest/build", kernel(version), b_initramfs(), tools(), path)
    return path


@functools.lru_cache(None)
def accelerator():
    """"kvm" when a test kernel really boots with it, else "tcg"; KJUMP_ACCEL overrides."""
    chosen = os.environ.get("KJUMP_ACCEL")
    if chosen:
        return chosen
    return "kvm" if os.access("/dev/kvm", os.R_OK | os.W_OK) and kvm_boots() else "tcg"


def kvm_boots(seconds=15):
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "console"
        qemu = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "q35", "-accel", "kvm", "-cpu", "max", "-m", "256",
             "-smp", "2", "-nodefaults", "-display", "none", "-serial", f"file:{log}",
             "-kernel", kernel(), "-append", "console=ttyS0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and qemu.poll() is None:
                # Without an initramfs the kernel gets as far as looking for a root file system.
                if log.exists() and b"Unable to mount root fs" in log.read_bytes():
                    return True
                time.sleep(0.2)
            return False
        finally:
            qemu.kill()
            qemu.wait()
