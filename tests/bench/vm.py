#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
The same machine hibernated by the kernel itself and by kjump, in QEMU.

usage: tests/bench/vm.py [--runs N] [--files MB] [--svg FILE] [--only compare|again|payload|sealed]

A 2 GiB guest has read real files into its page cache. The kernel's own hibernation writes to a
swap partition, with every compressor that the kernel has and image_size set to all of memory;
kjump writes to the same disk, at its default level and with --level auto. Times are the host's:
from the command to power-off, and from the first line of the booting kernel to the first line that
the resumed system prints. The disk does not pass through the host's page cache, where an image that
was just written would still be, and the guest has its memory from the start, as a machine has: a
host that hands it out when it is first touched would be timed as well.

Then one machine hibernates, is used for a minute and hibernates again, and once more a minute after
a checkpoint: what of its memory is written each time.

In the end one image is restored again and again, by one CPU and by two in turn: what the payload,
which compares the pages and puts them in place, says of its own time. And one image in clear and a
sealed one of the same machine are restored in turn.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "e2e")]

import again  # noqa: E402
import artifacts  # noqa: E402
import content  # noqa: E402
import phases  # noqa: E402
from machine import Disk, Machine, MIB  # noqa: E402
from pair import Pair  # noqa: E402

RESUMED = "RESUMED SYSTEM SPEAKS"
PAGE = 4096
MEMORY = "2G"
PREALLOCATED = ["-object", f"memory-backend-ram,id=memory,size={MEMORY},prealloc=on",
                "-machine", "memory-backend=memory"]


class Bench:
    """A machine with the files and a disk for the image; switched off at the end of `with`."""

    def __init__(self, folder, files, cpu="max"):
        self.files = Disk(content.image(files), content.image(files).stat().st_size)
        self.store = Disk(folder / "store.raw", 4096 * MIB, cache="none")
        self.machine = Machine(folder, memory=MEMORY, disks=[self.files, self.store], cpu=cpu,
                               extra=PREALLOCATED, **artifacts.boots("kexec_jump"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.machine.kill()

    def prepare(self, append=""):
        machine = self.machine
        machine.boot(append)
        machine.run(f"mount -t ext4 -o ro {machine.device(self.files)} /mnt")
        machine.run("cat /mnt/* > /dev/null 2>&1; :", 300)
        # Memory of processes, too: compressible, but not the same everywhere.
        machine.run("mkdir -p /run/memory; mount -t tmpfs -o size=50% tmpfs /run/memory; "
                    "cat /proc/kallsyms /bin/* > /run/memory/text 2>/dev/null; :", 120)
        return machine.device(self.store)

    def cycle(self, command, append):
        """COMMAND, power-off, boot with APPEND. Returns (save seconds, load seconds)."""
        machine = self.machine
        mark = machine.mark()
        machine.start(f"echo COMMAND GIVEN > /dev/console; {command}; "
                      f"echo {RESUMED} > /dev/console")
        machine.wait_console("COMMAND GIVEN", 30, mark)
        start = time.monotonic()
        machine.wait_exit(600)
        saved = time.monotonic() - start
        mark = machine.boot(append, ready=False)
        machine.wait_console("Linux version", 60, mark)
        start = time.monotonic()
        machine.wait_console(RESUMED, 600, mark)
        return saved, time.monotonic() - start


def pages(pattern, text):
    return int(re.search(pattern, text).group(1))


def in_kernel(folder, files, compressor):
    """One cycle of the kernel's own hibernation."""
    with Bench(folder, files) as bench:
        machine = bench.machine
        device = bench.prepare(f"hibernate.compressor={compressor}")
        machine.run(f"mkswap {device} && swapon {device}")
        machine.run("echo shutdown > /sys/power/disk; "
                    "awk '/MemTotal/ { print $2 * 1024 }' /proc/meminfo > /sys/power/image_size")
        save, load = bench.cycle("echo disk > /sys/power/state", f"resume={device}")
        # Only on the console: the resumed system's own log ends before the image was made.
        saved = pages(r"Image created \((\d+) pages copied", machine.console())
        return save, load, saved * PAGE / 1e6


def configure(machine, device):
    machine.run(f"kjump format {device}")
    machine.run(f"printf 'target = {device}\\nkernel = /boot/vmlinuz\\n"
                "initramfs = /usr/lib/kjump/initramfs.img\\nanyway = yes\\n' > /etc/kjump.conf")


def kjump(folder, files, level):
    """One cycle of kjump."""
    with Bench(folder, files) as bench:
        machine = bench.machine
        device = bench.prepare()
        configure(machine, device)
        save, load = bench.cycle(f"kjump hibernate --level {level}", f"rd.kjump.resume={device}")
        report = machine.run("cat /run/kjump/last")
        return save, load, pages(r"(\d+) data", report) * PAGE / 1e6, report


def payload_ms(report):
    """{phase: ms} of the payload, and how many CPUs did it."""
    line = re.search(r"payload +(.*) ms; (\d+) of", report)
    phases = re.findall(r"([a-zA-Z ]+?) (\d+)(?:, |$)", line.group(1))
    return {name: int(ms) for name, ms in phases}, int(line.group(2))


def payloads(folder, files, runs):
    """{CPUs: [{phase: ms}, ...]} of one image, restored that often by each number of CPUs."""
    with Bench(folder, files) as bench:
        machine = bench.machine
        device = bench.prepare()
        configure(machine, device)
        machine.start("kjump hibernate --level auto")
        machine.wait_exit(600)
        kept = folder / "kept.raw"
        copy(bench.store.path, kept)
        rows = {1: [], 2: []}
        for _ in range(runs):
            for cpus, row in rows.items():
                machine.kill()
                copy(kept, bench.store.path)
                mark = machine.boot(f"rd.kjump.resume={device} rd.kjump.cpus={cpus}", ready=False)
                machine.wait_console("Restarting tasks", 600, mark)
                phases, came = payload_ms(wait_report(machine))
                assert came == cpus, f"{came} of {cpus} CPUs"
                row.append(phases)
        return rows


def copy(source, target):
    subprocess.run(["cp", "--sparse=always", source, target], check=True)


def wait_report(machine):
    return machine.run("until [ -e /run/kjump/last ]; do sleep 0.2; done; cat /run/kjump/last", 60)


def host_ratio():
    """What two of the host's own CPUs are to one, just now."""
    program = Path(__file__).resolve().parents[2] / "build" / "bench-cores"
    return float(subprocess.run([program], check=True, text=True,
                                stdout=subprocess.PIPE).stdout.split()[2])


def show_payloads(rows, host):
    """Medians, and two CPUs as a part of one."""
    names = list(rows[1][0])
    sums = {cpus: statistics.median(sum(run.values()) for run in runs)
            for cpus, runs in rows.items()}
    print(f"\n{'the payload, ms':<20}" + "".join(f"{name:>17}" for name in names + ["all"]))
    for cpus, runs in rows.items():
        medians = [statistics.median(run[name] for run in runs) for name in names]
        print(f"{f'{cpus} CPUs' if cpus > 1 else '1 CPU':<20}"
              + "".join(f"{value:>17.0f}" for value in medians + [sums[cpus]]))
    print(f"ratio of 2 CPUs to 1: {sums[2] / sums[1]:.2f} (goal: at most 0.60); "
          f"of the host's own: {host:.2f}")


def compressors():
    """Those that the guest's kernel can hibernate with."""
    config = Path(artifacts.kernel()).with_name(".config").read_text()
    return ["lzo"] + (["lz4"] if "CONFIG_CRYPTO_LZ4=y" in config else [])


def contenders(files):
    """{name: function of a folder that runs one cycle}; the first one is what others are measured
    against."""
    own = {f"in-kernel, {name}": lambda folder, name=name: in_kernel(folder, files, name)
           for name in compressors()}
    ours = {f"kjump --level {level}": lambda folder, level=level: kjump(folder, files, level)
            for level in ("1", "auto")}
    return own | ours


def show(results):
    """The table: medians, and for each MB saved as parts of the first row."""
    print(f"\n{'':<20}{'MB saved':>9}{'save s':>9}{'load s':>9}{'save ms/MB':>11}{'load ms/MB':>11}"
          f"{'save ratio':>11}{'load ratio':>11}")
    reference = None
    for name, rows in results.items():
        save, load, size = (statistics.median(row[column] for row in rows) for column in range(3))
        reference = reference or (save / size, load / size)
        print(f"{name:<20}{size:>9.0f}{save:>9.1f}{load:>9.1f}"
              f"{1000 * save / size:>11.2f}{1000 * load / size:>11.2f}"
              f"{save / size / reference[0]:>11.2f}{load / size / reference[1]:>11.2f}")
    print("\nratios: of the seconds for each MB saved; goals of kjump: save 0.50, load 0.15")


def compare(options):
    """The kernel's own hibernation and kjump's."""
    results = {name: [] for name in contenders(options.files)}
    for number in range(options.runs):
        for name, cycle in contenders(options.files).items():
            with tempfile.TemporaryDirectory(dir=content.cache()) as folder:
                row = cycle(Path(folder))
            results[name].append(row)
            print(f"run {number + 1}: {name:<20} save {row[0]:.1f} s, load {row[1]:.1f} s",
                  flush=True)
    show(results)
    reports = {name: rows[-1][3] for name, rows in results.items() if len(rows[-1]) > 3}
    for name, report in reports.items():
        print(f"\n{name}: its own account of its last run\n{report}")
    if options.svg:
        options.svg.write_text(phases.svg(reports))


def again_and_again(options):
    with tempfile.TemporaryDirectory(dir=content.cache()) as folder:
        with Bench(Path(folder), options.files) as bench:
            device = bench.prepare()
            configure(bench.machine, device)
            again.show(again.measure(bench, device, wait_report, "1"))


def restores(bench, device, parameter):
    """Seconds of one restore: from the first line of the kernel that boots, and those of reading."""
    mark = bench.machine.boot(f"rd.kjump.resume={device} {parameter}", ready=False)
    bench.machine.wait_console("Linux version", 60, mark)
    start = time.monotonic()
    bench.machine.wait_console("Restarting tasks", 600, mark)
    return (time.monotonic() - start,
            float(re.search(r" MB read in ([\d.]+) s", bench.machine.console(mark)).group(1)))


# The cipher that kjump takes on each processor.
CIPHERS = {"AES-256-GCM": "max", "XChaCha20-Poly1305": "max,aes=off"}


def sealed_rows(folder, options, cpu):
    """Seconds of restores (see restores()) of what is in clear and of what is sealed, in turn."""
    keys = Pair(folder / "keys")
    append = {"clear": "", "sealed": keys.parameter}
    rows = {name: [] for name in append}
    with Bench(folder, options.files, cpu) as bench:
        machine = bench.machine
        device = bench.prepare()
        configure(machine, device)
        for name in rows:
            if append[name]:
                keys.give(machine)
            machine.start("kjump hibernate --full --level 1")
            machine.wait_exit(600)
            copy(bench.store.path, folder / name)
            restores(bench, device, append[name])
            wait_report(machine)
        for _ in range(options.runs):
            for name, row in rows.items():
                machine.kill()
                copy(folder / name, bench.store.path)
                row.append(restores(bench, device, append[name]))
    return rows


def by_sealing(options):
    """Images of one machine, one in clear and one sealed, restored in turn; for each cipher."""
    for cipher, cpu in CIPHERS.items():
        with tempfile.TemporaryDirectory(dir=content.cache()) as folder:
            show_sealed(cipher, sealed_rows(Path(folder), options, cpu))


def show_sealed(cipher, rows):
    medians = {name: [statistics.median(column) for column in zip(*row)]
               for name, row in rows.items()}
    print(f"\n{'a restore, s':<20}{'boot to resumed':>17}{'of it reading':>15}   {cipher}")
    for name, (whole, reading) in medians.items():
        print(f"{name:<20}{whole:>17.1f}{reading:>15.1f}")
    ratios = [sealed / clear for clear, sealed in zip(medians["clear"], medians["sealed"])]
    print(f"{'ratio':<20}{ratios[0]:>17.2f}{ratios[1]:>15.2f}   (goal of the whole: at most 1.10)",
          flush=True)


def by_cpus(options):
    with tempfile.TemporaryDirectory(dir=content.cache()) as folder:
        rows = payloads(Path(folder), options.files, options.runs)
    show_payloads(rows, host_ratio())


PARTS = {"compare": compare, "again": again_and_again, "payload": by_cpus, "sealed": by_sealing}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--files", type=int, default=600, help="MB of files in the page cache")
    parser.add_argument("--only", choices=list(PARTS), help="one part alone")
    parser.add_argument("--svg", type=Path, help="draw where kjump's time went in its last run")
    options = parser.parse_args()
    print(f"accelerator {artifacts.accelerator()}, {options.runs} runs each, medians", flush=True)
    for name, part in PARTS.items():
        if options.only in (None, name):
            part(options)


if __name__ == "__main__":
    main()
