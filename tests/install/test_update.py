# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel B's initramfs, kept right: which kernels have one, drivers with their options, updates."""

import subprocess

import pytest

from common import REPOSITORY, fast_zstd, run

UPDATE = REPOSITORY / "initramfs/update"


class Kernels:
    """Folders of kernels' modules, and where their initramfs images are kept."""

    def __init__(self, folder):
        self.lib, self.to = folder / "lib/modules", folder / "var"
        self.path = fast_zstd(folder / "fast")

    def add(self, release):
        folder = self.lib / release
        (folder / "kernel").mkdir(parents=True)
        for name in ("modules.dep", "modules.alias"):
            (folder / name).write_text("")

    def call(self, *arguments):
        return run(UPDATE, "--lib", self.lib, "--to", self.to, *arguments,
                   env={"PATH": self.path})

    def images(self):
        return sorted(path.name for path in self.to.glob("*"))


@pytest.fixture
def kernels(tmp_path):
    return Kernels(tmp_path)


def test_one_for_each_kernel(kernels):
    kernels.add("6.1")
    kernels.add("6.12")
    # A kernel that was removed, but for what somebody put there.
    (kernels.lib / "5.10/updates").mkdir(parents=True)
    (kernels.lib / "5.10/modules.dep").write_text("")
    assert kernels.call("--quiet", "6.1").stdout == ""
    assert kernels.images() == ["initramfs-6.1.img"]
    assert kernels.call("--all").returncode == 0
    assert kernels.images() == ["initramfs-6.1.img", "initramfs-6.12.img"]
    assert kernels.call("--remove", "6.1").returncode == 0
    assert kernels.images() == ["initramfs-6.12.img"]
    (kernels.lib / "6.12/modules.dep").unlink()
    assert kernels.call("--all").returncode == 0
    assert kernels.images() == ["initramfs-6.1.img"]


def test_a_blank_in_a_name(kernels):
    kernels.add("odd name")
    kernels.add("*")
    assert kernels.call("--all").returncode == 0
    assert kernels.images() == ["initramfs-*.img", "initramfs-odd name.img"]


def test_no_room(kernels):
    """What was written so far goes; the old one stays."""
    kernels.add("a")
    kernels.call("a")
    cp = kernels.lib.parents[1] / "fast/cp"
    cp.write_text('#!/bin/sh\ncase $2 in *.new) : > "$2"; exit 1 ;; esac\nexec /bin/cp "$@"\n')
    cp.chmod(0o755)
    done = kernels.call("a")
    assert done.returncode != 0
    assert kernels.images() == ["initramfs-a.img"]


def test_one_that_fails_keeps_nobody_from_theirs(kernels):
    kernels.add("a")
    kernels.add("b")
    (kernels.lib / "a/modules.dep").unlink()
    (kernels.lib / "a/modules.dep").symlink_to("nowhere")
    done = kernels.call("a", "b")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "/a/modules.dep" in done.stderr
    assert kernels.images() == ["initramfs-b.img"]


def test_no_such_kernel_leaves_the_old_one(kernels):
    kernels.add("a")
    kernels.call("a")
    before = (kernels.to / "initramfs-a.img").read_bytes()
    (kernels.lib / "a/modules.dep").unlink()
    assert kernels.call("a").returncode == 1
    assert (kernels.to / "initramfs-a.img").read_bytes() == before


def test_options_of_modules(tmp_path):
    """Those of modprobe.d(5), one a line; those of the jump module's name are none of its."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "modules.dep").write_text("x/nvme-core.ko:\nx/nvme.ko: x/nvme-core.ko\nx/kjump.ko:\n")
    (modules / "modules.alias").write_text("")
    (modules / "x").mkdir()
    for name in ("nvme-core", "nvme", "kjump"):
        (modules / f"x/{name}.ko").write_text(name)
    (tmp_path / "options").write_text(
        'blacklist nvme\noptions nvme_core multipath=N  name="a b"\toptions=1\n'
        "options nvme-core last=2\noptions nvmet x=1\noptions kjump op=checkpoint\n")
    done = run(REPOSITORY / "initramfs/modules", "--sys", tmp_path / "sys", "--options",
               tmp_path / "options", "--module", "nvme", "--module", "kjump", modules,
               tmp_path / "root")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "root/lib/modules"
    assert (folder / "nvme-core.options").read_text() == (
        'multipath=N\nname="a b"\noptions=1\nlast=2\n')
    assert sorted(path.name for path in folder.iterdir()) == [
        "kjump.ko", "load", "nvme-core.ko", "nvme-core.options", "nvme.ko"]


def test_init_passes_options_on(tmp_path):
    """The command line's come last: the kernel takes the last one."""
    text = (REPOSITORY / "initramfs/init").read_text()
    functions = text[text.index("module_options() {"):text.index("# The image is on the disk")]
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "load").write_text("nvme-core.ko\nkjump.ko\nsd_mod.ko\n")
    (folder / "nvme-core.options").write_text('multipath=N\nname="a b"\n')
    script = f"""
say() {{ echo "say $*"; }}
busybox() {{
    case $1 in
    cat) shift; cat "$@" ;;
    insmod) printf '<%s>' "$@"; echo ;;
    esac
}}
{functions.replace("/lib/modules", str(folder))}
load_modules
"""
    (tmp_path / "kjump-back").write_text('#!/bin/sh\n[ "$2" != nvme-core ] || echo multipath=Y\n')
    (tmp_path / "kjump-back").chmod(0o755)
    done = run("busybox", "sh", "-c", script, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert done.stdout.splitlines() == [
        f'<insmod><{folder}/nvme-core.ko><multipath=N><name="a b"><multipath=Y>',
        f"<insmod><{folder}/kjump.ko>", f"<insmod><{folder}/sd_mod.ko>"], done.stderr


@pytest.fixture
def library(tmp_path):
    """A folder of programs whose update-initramfs writes down how it is called."""
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "update-initramfs").write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n[ "$2" != bad ] || exit 1\n')
    (folder / "update-initramfs").chmod(0o755)
    return folder


@pytest.mark.parametrize("hook, arguments, call", [
    ("postinst", ["6.1", "/boot/vmlinuz-6.1"], "--quiet 6.1"),
    ("postinst", ["bad"], "--quiet bad"),
    ("postrm", ["6.1", "/boot/vmlinuz-6.1"], "--remove 6.1"),
    ("60-kjump.install", ["add", "6.1", "/boot/x/6.1", "/lib/modules/6.1/vmlinuz"], "--quiet 6.1"),
    ("60-kjump.install", ["add", "bad", "/x", "/y"], "--quiet bad"),
    ("60-kjump.install", ["remove", "6.1", "/boot/x/6.1"], "--remove 6.1"),
    ("60-kjump.install", ["inspect"], None),
])
def test_updates_of_kernels(tmp_path, library, hook, arguments, call):
    """They call update-initramfs, and an update of the kernel never fails by it."""
    environment = {"PATH": "/usr/bin:/bin", "KJUMP_LIB": str(library),
                   "KJUMP_POSTINST": str(tmp_path / "none")}
    done = run(REPOSITORY / "boot/kernel" / hook, *arguments, env=environment)
    assert done.returncode == 0, done.stderr
    calls = tmp_path / "calls"
    assert (calls.read_text().splitlines() if calls.exists() else []) == ([call] if call else [])
    assert len(done.stderr.splitlines()) == ("bad" in arguments)


@pytest.mark.parametrize("hook", ["postinst", "postrm", "60-kjump.install"])
def test_half_removed(tmp_path, hook):
    done = run(REPOSITORY / "boot/kernel" / hook, "add", "6.1", env={
        "PATH": "/usr/bin:/bin", "KJUMP_LIB": str(tmp_path), "KJUMP_POSTINST": "/none"})
    assert done.returncode == 0 and not done.stderr


def test_debian_makes_it_once(tmp_path, library):
    """Where kernels' packages run both, kernel-install leaves it to the other."""
    done = run(REPOSITORY / "boot/kernel/60-kjump.install", "add", "6.1", "/x", "/y", env={
        "PATH": "/usr/bin:/bin", "KJUMP_LIB": str(library), "KJUMP_POSTINST": str(UPDATE)})
    assert done.returncode == 0 and not (tmp_path / "calls").exists()
