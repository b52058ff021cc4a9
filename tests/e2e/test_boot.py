# SPDX-License-Identifier: GPL-2.0-or-later
"""Restoring from a distribution's initramfs, before the root file system on a disk is mounted."""

import contextlib
import os
import re
import shutil
import socket
import time

import pytest

import artifacts
from machine import Disk, MIB
from test_errors import superblock
from workload import check_file_system

full = pytest.mark.full

ROOT = "root=LABEL=guest-root rw"
MOUNTED = r"EXT4-fs \(vd\w\): mounted"


@pytest.fixture
def make_rooted(make_system, tmp_path):
    """A system with its root on a disk, booted by the given initramfs."""
    def make(initramfs, **arguments):
        root = tmp_path / "root.raw"
        shutil.copy(artifacts.root(), root)
        system = make_system(disks=[Disk(root, root.stat().st_size)], initramfs=initramfs,
                             append=ROOT, **arguments)
        system.root = root
        return system

    return make


def finish(system):
    """Power off and check the root file system."""
    system.machine.run("mount -o remount,ro /")
    system.machine.power_off()
    check_file_system(system.root)


def damage(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        block = file.read(4096)
        file.seek(offset)
        file.write(bytes(byte ^ 0x55 for byte in block))


def restores(system):
    system.boot()
    job = system.hibernate()
    mark = system.machine.mark()
    system.restore(job)
    assert not re.search(MOUNTED, system.machine.console(mark)), "C mounted something"
    system.workload.check()
    system.workload.stop()
    finish(system)
    check_file_system(system.workload.disk.path)


def boots_on(system):
    """With a damaged image the question is asked, answers itself, and the image is marked."""
    system.boot(workload=False)
    system.hibernate()
    _, start, _ = superblock(system.image.path)
    damage(system.image.path, start)

    mark = system.machine.boot(f"{system.parameter} rd.kjump.onfail=wait=2")
    assert system.boot_id() != system.saved_boot
    console = system.machine.console(mark)
    at = [re.search(pattern, console).start() for pattern in
          ("checksum mismatch", "r: try again", "marked stale: booted on", MOUNTED)]
    assert at == sorted(at), console
    assert re.search("booted on: .*checksum mismatch", system.info())
    assert system.machine.run("cat /run/kjump-boot/target") == f"UUID={system.uuid()}"
    system.machine.run("test -e /run/kjump-boot/settled")
    finish(system)


@pytest.mark.parametrize("init", [pytest.param("plain", marks=full), "systemd"])
def test_dracut_restores(make_rooted, init):
    restores(make_rooted(artifacts.dracut(init)))


@full
@pytest.mark.parametrize("init", ["plain", "systemd"])
def test_dracut_boots_on(make_rooted, init):
    boots_on(make_rooted(artifacts.dracut(init)))


@full
@pytest.mark.parametrize("init", ["plain", "systemd"])
def test_dracut_ng_restores(make_rooted, init):
    restores(make_rooted(artifacts.dracut(init, artifacts.DEBIAN)))


@full
@pytest.mark.parametrize("init", ["plain", "systemd"])
def test_dracut_ng_boots_on(make_rooted, init):
    boots_on(make_rooted(artifacts.dracut(init, artifacts.DEBIAN)))


@full
def test_only_storage_drivers_are_loaded(make_rooted):
    """C restores before udev loads a driver of the screen or the network, which A has to find as it
    left them. Debian's kernel has all of them as modules."""
    system = make_rooted(None, extra=["-device", "virtio-net-pci"])
    machine = system.machine
    machine.append = ""
    system.boot()
    job = system.hibernate()

    machine.kernel = artifacts.stock("6.12", "generic") / "vmlinuz"
    machine.initramfs = artifacts.dracut_of_stock("6.12", "generic", "virtio_net bochs")
    mark = machine.mark()
    system.restore(job, append=ROOT)
    loaded = set(re.findall(r"loaded when restoring: (\w+)", machine.console(mark)))
    assert "virtio_blk" in loaded
    assert not [name for name in loaded if re.search("drm|bochs|net|failover", name)], loaded
    system.workload.check()
    system.workload.finish()

    # The same initramfs loads both when it goes on: they were only not loaded yet.
    machine.boot(f"{system.parameter} {ROOT}")
    loaded = machine.run("cut -d ' ' -f 1 /proc/modules").split()
    assert {"virtio_net", "bochs", "drm"} <= set(loaded)


def test_initramfs_tools_restores(make_rooted):
    restores(make_rooted(artifacts.initramfs_tools()))


@full
def test_initramfs_tools_boots_on(make_rooted):
    boots_on(make_rooted(artifacts.initramfs_tools()))


@full
def test_dracut_writer(make_system):
    """Kernel B with an initramfs by dracut: it saves and jumps back, and saves and powers off."""
    system = make_system(initramfs=artifacts.guest_with_dracut_b("6.12", "cloud"))
    system.boot()
    system.checkpoint()
    system.workload.check()
    system.restore(system.hibernate())
    system.workload.check()
    system.workload.finish()


@contextlib.contextmanager
def keyboard(system):
    """Types on the machine's keyboard, which belongs to another console than the log."""
    path = f"/tmp/kjump-e2e-keys-{os.getpid()}"
    system.machine.extra += ["-monitor", f"unix:{path},server=on,wait=off"]

    def press(key):
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(path)
            monitor.sendall(f"sendkey {key}\n".encode())
            time.sleep(0.5)

    try:
        yield press
    finally:
        if os.path.exists(path):
            os.unlink(path)


def test_keys(make_system):
    """Power off and look for the cause: the image is left as it was. Then try again."""
    system = make_system()
    machine = system.machine
    system.boot(memory=4, cache=4)
    job = system.hibernate()
    _, _, index = superblock(system.image.path)
    damage(system.image.path, index)

    with keyboard(system) as press:
        mark = machine.boot(f"{system.parameter} rd.kjump.onfail=wait=600", ready=False)
        machine.wait_console("r: try again", since=mark)
        press("p")
        machine.wait_exit()

        mark = machine.boot(f"{system.parameter} rd.kjump.onfail=wait=600", ready=False)
        machine.wait_console("r: try again", since=mark)
        damage(system.image.path, index)  # the same once more repairs it
        press("r")
        system.wait_for_a(mark)
    assert job.wait() == 0, job.output()
    system.workload.check()
    system.workload.finish()
