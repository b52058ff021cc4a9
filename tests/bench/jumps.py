#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
How long it takes to load kernel B, and how long a checkpoint stops the system for, by either way to
jump, in QEMU.

usage: make bench-jumps [BENCH_ARGS="--runs N"]

Debian's kernel for clouds jumps by the module, the tests' own one by KEXEC_JUMP; both are kernels
A and B at once, in a machine with 768 MiB of which 64 MiB hold random bytes. Each run loads B, makes a
checkpoint that boots it and two that find it warm, and unloads it. Times are the host's, around a
command whose own cost is measured too. The two take turns.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "e2e")]

import artifacts  # noqa: E402
from machine import Disk, Machine, MIB  # noqa: E402

WAYS = ("module", "kexec_jump")
STEPS = ("a command", "load", "first checkpoint", "warm checkpoint")


def boot(folder, way):
    """A machine that is ready to load."""
    folder.mkdir()
    store = Disk(folder / "store.raw", 1024 * MIB)
    machine = Machine(folder, disks=[store], **artifacts.boots(way))
    machine.boot()
    device = machine.device(store)
    machine.run(f"kjump format {device}")
    machine.run(f"printf 'target = {device}\\nkernel = /boot/vmlinuz\\nanyway = yes\\n"
                "initramfs = /usr/lib/kjump/initramfs.img\\n' > /etc/kjump.conf")
    machine.run("mkdir -p /run/memory; mount -t tmpfs -o size=50% tmpfs /run/memory; "
                "dd if=/dev/urandom of=/run/memory/data bs=1M count=64 2> /dev/null", 120)
    return machine


def timed(machine, command):
    start = time.monotonic()
    machine.run(command, 120)
    return time.monotonic() - start


def one_run(machine):
    """{step: seconds}"""
    row = {"a command": timed(machine, "true"), "load": timed(machine, "kjump load"),
           "first checkpoint": timed(machine, "kjump checkpoint")}
    row["warm checkpoint"] = min(timed(machine, "kjump checkpoint") for _ in range(2))
    machine.run("kjump unload")
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    rows = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        machines = {}
        try:
            for way in WAYS:
                machines[way] = boot(Path(folder) / way, way)
            for _ in range(options.runs):
                for way, machine in machines.items():
                    rows[way].append(one_run(machine))
        finally:
            for machine in machines.values():
                machine.kill()
    print(f"{options.runs} runs each, seconds: minimum, median, maximum")
    for step in STEPS:
        for way in WAYS:
            times = [row[step] for row in rows[way]]
            print(f"{step:<18}{way:<12}{min(times):>7.2f}{statistics.median(times):>7.2f}"
                  f"{max(times):>7.2f}")


if __name__ == "__main__":
    main()
