# SPDX-License-Identifier: GPL-2.0-or-later
"""
What is saved when most of the memory was saved before: a first hibernation, a second one after a
minute of use, and one a minute after a checkpoint, each told by kjump's own account of it.
"""

import re

UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

# Files are written, changed and thrown away, and programs come and go.
USE = """
end=$(($(date +%s) + 60)); number=0
while [ $(date +%s) -lt $end ]; do
    number=$((number + 1))
    head -c 1000000 /dev/urandom > /run/memory/use.$((number % 24))
    sed -n '1,2000p' /run/memory/text | sort | gzip > /run/memory/sorted.$((number % 8))
    sleep 0.5
done
"""


def account(report):
    """{"pages", "reused", "bytes", "saving s"} of kjump's report."""
    reused = re.search(r"reused +(\d+) pages", report)
    number, unit = re.search(r"written +([\d.]+) (\w+) for", report).groups()
    return {"pages": int(re.search(r"(\d+) data", report).group(1)),
            "reused": int(reused.group(1)) if reused else 0,
            "bytes": float(number) * UNITS[unit],
            "saving s": float(re.search(r"\bsaving ([\d.]+)", report).group(1))}


def measure(bench, device, wait_report, level):
    """{name: account} of one machine, that is ready to save."""
    machine = bench.machine

    def hibernate():
        machine.start(f"kjump hibernate --level {level}")
        machine.wait_exit(600)
        mark = machine.boot(f"rd.kjump.resume={device}", ready=False)
        machine.wait_console("Restarting tasks", 600, mark)
        ret = account(wait_report(machine))
        machine.run("rm /run/kjump/last")
        return ret

    rows = {"first hibernation": hibernate()}
    machine.run(USE, 300)
    rows["second, a minute later"] = hibernate()
    machine.run(USE, 300)
    machine.run(f"kjump checkpoint --level {level}", 600)
    machine.run("rm /run/kjump/last")
    machine.run(USE, 300)
    rows["a minute after a checkpoint"] = hibernate()
    return rows


def show(rows):
    first = rows["first hibernation"]
    print(f"\n{'':<29}{'MB of pages':>12}{'reused':>9}{'MB written':>12}{'ratio':>7}"
          f"{'saving s':>10}{'ratio':>7}")
    for name, row in rows.items():
        print(f"{name:<29}{row['pages'] * 4096 / 1e6:>12.0f}{row['reused'] / row['pages']:>9.0%}"
              f"{row['bytes'] / 1e6:>12.1f}{row['bytes'] / first['bytes']:>7.2f}"
              f"{row['saving s']:>10.2f}{row['saving s'] / first['saving s']:>7.2f}")
    print("goal of the last one's saving: at most 0.20 of a full save")
