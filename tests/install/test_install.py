# SPDX-License-Identifier: GPL-2.0-or-later
"""What `make install` puts where, and that `make uninstall` takes it away again."""

import os
import subprocess

import pytest

from common import BUILD, REPOSITORY, make, run

TARGETS = ("install", "install-dracut", "install-initramfs-tools", "install-mkinitcpio",
           "install-dkms")


def files(folder):
    """All that is no folder, and folders of kjump's own."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*")
                  if not path.is_dir() or "kjump" in path.name)


def test_install_and_uninstall(tmp_path):
    root = tmp_path / "a  b"
    root.mkdir()
    mine = root / "etc/kernel/postinst.d/mine"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    done = make("-s", *TARGETS, f"DESTDIR={root}")
    assert done.returncode == 0, done.stderr
    there = files(root)
    for name in ("usr/local/bin/kjump", "usr/local/lib/kjump/update-initramfs",
                 "usr/local/lib/kjump/build-initramfs", "etc/kernel/postinst.d/kjump",
                 "usr/share/initramfs-tools/hooks/kjump", "usr/lib/initcpio/install/kjump"):
        assert name in there
    # Made meanwhile: an initramfs, and the module by `make install-module`.
    made = root / "var/lib/kjump/initramfs-1.img"
    made.parent.mkdir(parents=True)
    made.write_text("")
    module = root / "lib/modules/1/updates/kjump.ko"
    module.parent.mkdir(parents=True)
    module.write_text("")
    done = make("-s", "uninstall", f"DESTDIR={root}")
    assert done.returncode == 0, done.stderr
    assert files(root) == ["etc/kernel/postinst.d/mine"]


def test_uninstall_leaves_the_journal(tmp_path):
    """What setup could not take back can be by a kjump that is installed again."""
    state = tmp_path / "var/lib/kjump"
    (state / "setup").mkdir(parents=True)
    for name in ("setup/journal", "setup/1", "history.jsonl", "initramfs-1.img"):
        (state / name).write_text("")
    done = make("-s", "uninstall", f"DESTDIR={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in state.rglob("*")) == ["1", "journal", "setup"]
    (state / "setup/journal").unlink()
    make("-s", "uninstall", f"DESTDIR={tmp_path}")
    assert not state.exists()


@pytest.mark.parametrize("folder", ["uninstall", "stage"])
def test_a_tree_below_build(folder):
    """Left by a `make uninstall` that was interrupted, or installed there: make works all the same."""
    hook = BUILD / folder / "etc/kernel/postrm.d"
    hook.mkdir(parents=True)
    try:
        done = make("-n", "clean")
    finally:
        subprocess.run(["rm", "-r", BUILD / folder], check=True)
    assert done.returncode == 0, done.stderr


def test_uninstall_without_the_right_to(tmp_path):
    """By an ordinary user, or by a root who may not write everywhere: nothing is begun."""
    program = tmp_path / "usr/local/bin/kjump"
    program.parent.mkdir(parents=True)
    program.write_text("")
    program.parent.chmod(0o555)
    bound = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    done = run(*bound, "make", "-s", "-C", REPOSITORY, "uninstall", f"DESTDIR={tmp_path}")
    assert done.returncode != 0 and "nothing was changed" in done.stderr
    assert program.exists() and not (BUILD / "uninstall").exists()


def test_nothing_outside_of_destdir(tmp_path):
    """Not even a file that is put somewhere by its whole path."""
    done = make("-n", *TARGETS, f"DESTDIR={tmp_path / 'root'}")
    for line in done.stdout.splitlines():
        assert "update-initramfs" not in line or str(tmp_path) in line or "install -" in line, line
        assert not line.startswith(("depmod", "dkms", "systemctl", "journalctl", "[ ! -d")), line


def test_prefix(tmp_path):
    """Whatever runs programs finds them under the prefix, in all files that name them."""
    done = make("-s", "install-dracut", "install-initramfs-tools", "install-mkinitcpio",
                f"DESTDIR={tmp_path}", "PREFIX=/opt/kjump")
    assert done.returncode == 0, done.stderr
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert not [text for text in texts if "/usr/local/lib/kjump" in text]
    assert len([text for text in texts if "/opt/kjump/lib/kjump" in text]) == 8


def test_installed_scripts_are_whole(tmp_path):
    """The installed update-initramfs has all beside it that it takes."""
    root = tmp_path / "root"
    done = make("-s", "install-files", f"DESTDIR={root}")
    assert done.returncode == 0, done.stderr
    modules = tmp_path / "modules/1.2.3"
    (modules / "kernel").mkdir(parents=True)
    (modules / "modules.dep").write_text("")
    (modules / "modules.alias").write_text("")
    done = run(root / "usr/local/lib/kjump/update-initramfs", "--lib", tmp_path / "modules",
               "--to", tmp_path / "to", "1.2.3")
    assert done.returncode == 0, done.stderr
    image = tmp_path / "to/initramfs-1.2.3.img"
    assert str(image) in done.stdout
    packed = subprocess.run(["zstd", "-dc", image], stdout=subprocess.PIPE, check=True).stdout
    names = subprocess.run(["cpio", "--quiet", "-t"], input=packed, stdout=subprocess.PIPE,
                           check=True).stdout.decode().split()
    assert {"init", "bin/busybox", "bin/kjump-write", "bin/kjump-back"} <= set(names)
    assert (REPOSITORY / "initramfs/init").read_bytes() in packed


@pytest.mark.parametrize("word", ["--nonsense", "--to"])
def test_wrong_usage(word):
    done = run(REPOSITORY / "initramfs/update", word)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")
