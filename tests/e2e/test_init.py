# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel B's user space alone: its init with scripts in place of the two programs."""

import subprocess

import pytest

import artifacts
from system import B_BOOTED

BUILD = artifacts.REPOSITORY / "initramfs/build"

# kjump-write: the next of the given statuses at each call.
WRITE = """#!/bin/busybox sh
calls=$(busybox cat /calls 2>/dev/null)
calls=$((calls + 1))
echo $calls > /calls
echo "call $calls"
set -- {statuses}
shift $((calls - 1))
[ "$1" != crash ] || busybox kill -SEGV $$
exit $1
"""


@pytest.fixture
def make_b(make_machine, tmp_path):
    """Machine that boots kernel B with stand-ins for kjump-write and kjump-back."""
    def make(write, back="exit 0"):
        tools = tmp_path / "tools"
        tools.mkdir()
        for name, text in (("kjump-write", write), ("kjump-back", f"#!/bin/busybox sh\n{back}\n")):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        artifacts.call(BUILD, "--tools", tools, tmp_path / "b.img")
        return make_machine(memory="128M", initramfs=tmp_path / "b.img", append="quiet")

    return make


def test_every_request_is_answered(make_b):
    """Whatever kjump-write says but "saved", A gets its turn, and B stays up for the next call."""
    machine = make_b(WRITE.format(statuses="10 1 5 2 crash 0"), back="echo jumping back")
    mark = machine.boot(ready=False)
    machine.wait_exit()
    console = machine.console(mark)
    assert console.count(B_BOOTED) == 1
    assert console.count("jumping back") == 5
    assert "call 6" in console
    assert "kjump: saved; powering off" in console


def test_nothing_is_dropped_from_the_console(make_b):
    machine = make_b("#!/bin/busybox sh\nfor i in $(busybox seq 60); do echo line $i.; done\nexit 0\n")
    mark = machine.boot(ready=False)
    machine.wait_exit()
    console = machine.console(mark)
    assert [i for i in range(1, 61) if f"line {i}." not in console] == []


def test_reboots_when_it_cannot_jump_back(make_b):
    machine = make_b(WRITE.format(statuses="1 1"), back="exit 1")
    mark = machine.boot(ready=False)
    machine.wait_console("cannot jump back .*rebooting", since=mark)
    machine.wait_console(f"(?s){B_BOOTED}.*{B_BOOTED}", since=mark)


def test_without_power_off_it_stays_off(make_b):
    """A machine that cannot switch itself off must not run A again: the image is valid."""
    machine = make_b(WRITE.format(statuses="0 1"), back="echo jumping back")
    mark = machine.boot("acpi=off", ready=False)
    machine.wait_console("System halted|safe to switch the machine off", since=mark)
    console = machine.console(mark)
    assert "kjump: saved; powering off" in console
    assert "jumping back" not in console


def fake_tools(folder):
    folder.mkdir()
    for name in ("kjump-write", "kjump-back"):
        (folder / name).write_text("#!/bin/busybox sh\n")
        (folder / name).chmod(0o755)
    return folder


def contents(image):
    archive = subprocess.run(["zstd", "-dc", image], stdout=subprocess.PIPE, check=True).stdout
    names = subprocess.run(["cpio", "--quiet", "-tv"], input=archive, stdout=subprocess.PIPE,
                           check=True).stdout.decode()
    assert " root     root " in names
    loaded = subprocess.run(["cpio", "--quiet", "-i", "--to-stdout", "lib/modules/load"],
                            input=archive, stdout=subprocess.PIPE).stdout.decode()
    return names, loaded.split()


def test_build_is_reproducible(tmp_path):
    tools = fake_tools(tmp_path / "tools")
    artifacts.call(BUILD, "--tools", tools, tmp_path / "one")
    (tools / "kjump-write").touch()
    artifacts.call(BUILD, "--tools", tools, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_build_takes_modules_with_dependencies(tmp_path):
    tools = fake_tools(tmp_path / "tools")
    modules = tmp_path / "modules"
    (modules / "kernel").mkdir(parents=True)
    for name in ("nvme", "nvme-core", "t10-pi", "sd_mod", "snd"):
        (modules / f"kernel/{name}.ko").write_text(name)
    subprocess.run(["xz", modules / "kernel/nvme.ko"], check=True)
    (modules / "modules.dep").write_text(
        "kernel/snd.ko:\n"
        "kernel/nvme.ko.xz: kernel/nvme-core.ko kernel/t10-pi.ko\n"
        "kernel/nvme-core.ko: kernel/t10-pi.ko\n"
        "kernel/t10-pi.ko:\n"
        "kernel/sd_mod.ko: kernel/t10-pi.ko\n")
    artifacts.call(BUILD, "--tools", tools, "--modules", modules, tmp_path / "image")
    names, loaded = contents(tmp_path / "image")
    assert loaded == ["t10-pi.ko", "nvme-core.ko", "nvme.ko", "sd_mod.ko"]
    assert "lib/modules/nvme.ko\n" in names
    assert "snd" not in names


def test_build_refuses_to_grow(tmp_path):
    tools = fake_tools(tmp_path / "tools")
    with open("/dev/urandom", "rb") as random:
        (tools / "kjump-write").write_bytes(random.read(5 << 20))
    with pytest.raises(RuntimeError, match="more than 4194304; nothing written"):
        artifacts.call(BUILD, "--tools", tools, tmp_path / "image")
    assert not (tmp_path / "image").exists()
