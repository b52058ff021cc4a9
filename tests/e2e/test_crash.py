# SPDX-License-Identifier: GPL-2.0-or-later
"""Exports of checkpoints in crash(8). Debian's reads 6.1, but not what changed in 6.2."""

import re
import shutil
import subprocess

import pytest

import artifacts

pytestmark = [pytest.mark.kernels, pytest.mark.kexec_jump]

STRUCT_PID = re.compile(r"\(DW_TAG_structure_type\)\n"
                        r" +<\w+> +DW_AT_name +: (?:\(.*\): )?pid\s*\n"
                        r" +<(\w+)> +DW_AT_byte_size +: 96\n")


def readelf(*arguments):
    return subprocess.run(["readelf", *arguments], text=True, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def namelist(folder):
    """
    The kernel's symbols and types for crash. It takes what follows struct pid, one struct upid, for
    a part of it, which late versions of 6.1 do not declare any more: the size has to say so.
    """
    path = shutil.copy(artifacts.kernel("6.1").parent / "vmlinux", folder)
    section = int(re.search(r"\.debug_info +PROGBITS +\S+ (\S+)", readelf("-SW", path))[1], 16)
    sizes = [int(at, 16) for at in STRUCT_PID.findall(readelf("--debug-dump=info", path))]
    assert sizes
    with open(path, "r+b") as file:
        for size in sizes:
            file.seek(section + size)
            file.write(bytes([96 + 16]))
    return path


def crash(core, *commands):
    """What crash(8) prints for the commands."""
    script = core.parent / "commands"
    script.write_text("".join(f"{line}\n" for line in [*commands, "quit"]))
    done = subprocess.run(["crash", "--kaslr", "auto", "-s", "-i", script, namelist(core.parent),
                           core], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    return done.stdout


def tasks(machine):
    """PID and name of every process and kernel thread; workers change their names."""
    text = machine.run("cd /proc; for pid in [0-9]*; do echo $pid $(cat $pid/comm); done 2>/dev/null")
    found = {tuple(line.split(maxsplit=1)) for line in text.splitlines() if " " in line}
    return {(int(pid), name) for pid, name in found if not name.startswith("kworker/")}


def test_tasks_of_a_checkpoint(make_system):
    """The machine runs on while crash lists its tasks and the end of its log."""
    system = make_system(kernel=artifacts.kernel("6.1"), initramfs=artifacts.guest_of_tests("6.1"))
    system.boot(memory=8, cache=4)
    before = tasks(system.machine)
    system.checkpoint()
    alive = before & tasks(system.machine)
    assert (1, "init") in alive and len(alive) > 20
    core = system.image.path.parent / "vmcore"
    subprocess.run([artifacts.tools() / "kjump", "export", "--quiet", system.image.path, core],
                   check=True)

    listed = crash(core, "ps")
    found = {(int(pid), name) for mark, pid, name in
             re.findall(r"^(>?) +(\d+) .* \[?([^ \]]+)\]?$", listed, re.M)}
    assert alive <= found, listed
    assert re.search(r"^> .* RU .* kjump$", listed, re.M), "nobody called kexec"
    log = crash(core, "log")
    assert "Linux version 6.1." in log and "Disabling non-boot CPUs" in log
    system.workload.check()
    system.workload.finish()
