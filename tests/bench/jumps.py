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

Then, how long it takes from the command of a checkpoint to its first page, when kernel B is loaded and
booted, and when it is taken from the file that a checkpoint before has left on a disk; nothing of files is
in the page cache.
"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "e2e")]

import artifacts  # noqa: E402
from machine import Disk, Machine, MIB  # noqa: E402
from workload import make_file_system  # noqa: E402

WAYS = ("module", "kexec_jump")
STEPS = ("a command", "load", "first checkpoint", "warm checkpoint")
STARTS = ("booted", "from its file")


def boot(folder, way):
    """A machine that is ready to load."""
    folder.mkdir()
    store, library = Disk(folder / "store.raw", 1024 * MIB), Disk(folder / "library.raw", 513 * MIB)
    make_file_system(library.path)
    machine = Machine(folder, disks=[store, library], append="nokaslr", **artifacts.boots(way))
    machine.boot()
    device = machine.device(store)
    machine.run(f"kjump format {device}")
    # Kernel, initramfs and the file of kernel B's memory are on a disk, as they are anywhere.
    machine.run("mkdir -p /var/lib/kjump; "
                f"mount -t ext4 {machine.device(library)} /var/lib/kjump; "
                "cp /boot/vmlinuz /usr/lib/kjump/initramfs.img /var/lib/kjump", 60)
    machine.run(f"printf 'target = {device}\\nkernel = /var/lib/kjump/vmlinuz\\nanyway = yes\\n"
                "initramfs = /var/lib/kjump/initramfs.img\\n' > /etc/kjump.conf")
    machine.run("mkdir -p /run/memory; mount -t tmpfs -o size=50% tmpfs /run/memory; "
                "dd if=/dev/urandom of=/run/memory/data bs=1M count=64 2> /dev/null", 120)
    return machine


def timed(machine, command):
    start = time.monotonic()
    machine.run(command, 120)
    return time.monotonic() - start


def first_page(machine, option):
    """Seconds from the command to where kernel B begins to write, without a file in the page cache."""
    machine.run("kjump unload; sync; echo 3 > /proc/sys/vm/drop_caches")
    mark = machine.mark()
    job = machine.start(f"echo COMMAND GIVEN > /dev/console; kjump checkpoint --full {option}")
    machine.wait_console("COMMAND GIVEN", 30, mark)
    start = time.monotonic()
    machine.wait_console("saving; q or Esc aborts", 120, mark)
    seconds = time.monotonic() - start
    assert job.wait(120) == 0, job.output()
    assert ("taken from" in job.output()) == (not option), job.output()
    phases = re.search(r"saving +seconds.*|seconds +.*", job.output())
    print(f"  {option or 'file'}: {seconds:.2f}: {phases and phases[0]}", flush=True)
    return seconds


def one_start(machine):
    """{start: seconds}"""
    return {"booted": first_page(machine, "--always-boot"), "from its file": first_page(machine, "")}


def one_run(machine):
    """{step: seconds}"""
    row = {"a command": timed(machine, "true"), "load": timed(machine, "kjump load --always-boot"),
           "first checkpoint": timed(machine, "kjump checkpoint --always-boot")}
    row["warm checkpoint"] = min(timed(machine, "kjump checkpoint --always-boot") for _ in range(2))
    machine.run("kjump unload")
    return row


def show(title, steps, rows, runs):
    print(f"{title}, {runs} runs each, seconds: minimum, median, maximum")
    for step in steps:
        for way in rows:
            times = [row[step] for row in rows[way]]
            print(f"{step:<18}{way:<12}{min(times):>7.2f}{statistics.median(times):>7.2f}"
                  f"{max(times):>7.2f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only-starts", action="store_true", help="from the command to the first page")
    parser.add_argument("--way", choices=WAYS, action="append", help="only this way")
    options = parser.parse_args()
    ways = options.way or WAYS
    rows, starts = {way: [] for way in ways}, {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        machines = {}
        try:
            for way in ways:
                machines[way] = boot(Path(folder) / way, way)
                machines[way].run("kjump checkpoint", 120)  # which leaves the file
            for _ in range(options.runs):
                for way, machine in machines.items():
                    if not options.only_starts:
                        rows[way].append(one_run(machine))
                    starts[way].append(one_start(machine))
        finally:
            for machine in machines.values():
                machine.kill()
    if not options.only_starts:
        show("jumps", STEPS, rows, options.runs)
    show("command to first page", STARTS, starts, options.runs)
    for way in ways:
        booted, taken = (statistics.median(row[start] for row in starts[way]) for start in STARTS)
        print(f"{way}: from its file beside booted {taken / booted:.2f} (goal 0.40)")


if __name__ == "__main__":
    main()
