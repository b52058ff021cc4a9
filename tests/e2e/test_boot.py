# SPDX-License-Identifier: GPL-2.0-or-later
"""Restoring from a distribution's initramfs, before the root file system on a disk is mounted."""

import os
import re
import shutil
import time

import pytest

import artifacts
from machine import Disk, MIB
from test_errors import superblock
from ways import kexec_jump
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


@full
@kexec_jump
@pytest.mark.parametrize("init", ["plain", "systemd"])
def test_dracut_restores(make_rooted, init):
    restores(make_rooted(artifacts.dracut(init)))


@full
@kexec_jump
@pytest.mark.parametrize("init", ["plain", "systemd"])
def test_dracut_boots_on(make_rooted, init):
    boots_on(make_rooted(artifacts.dracut(init)))


@full
@kexec_jump
@pytest.mark.parametrize("init", ["plain", "systemd"])
def test_dracut_ng_restores(make_rooted, init):
    restores(make_rooted(artifacts.dracut(init, artifacts.DEBIAN)))


@full
@kexec_jump
@pytest.mark.parametrize("init", ["plain", "systemd"])
def test_dracut_ng_boots_on(make_rooted, init):
    boots_on(make_rooted(artifacts.dracut(init, artifacts.DEBIAN)))


@full
@kexec_jump
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


@kexec_jump
def test_initramfs_tools_restores(make_rooted):
    restores(make_rooted(artifacts.initramfs_tools()))


@full
@kexec_jump
def test_initramfs_tools_boots_on(make_rooted):
    boots_on(make_rooted(artifacts.initramfs_tools()))


@full
@kexec_jump
def test_dracut_writer(make_system):
    """Kernel B with an initramfs by dracut: it saves and jumps back, and saves and powers off."""
    system = make_system(initramfs=artifacts.guest_with_dracut_b("6.12", "cloud"))
    system.boot()
    system.checkpoint()
    system.workload.check()
    system.restore(system.hibernate())
    system.workload.check()
    system.workload.finish()


@full
def test_keys(make_system):
    """Power off and look for the cause: the image is left as it was. Then try again."""
    system = make_system()
    machine = system.machine
    system.boot(memory=4, cache=4)
    job = system.hibernate()
    _, _, index = superblock(system.image.path)
    damage(system.image.path, index)

    mark = machine.boot(f"{system.parameter} rd.kjump.onfail=wait=600", ready=False)
    machine.wait_console("r: try again", since=mark)
    machine.press("p")
    machine.wait_exit()

    mark = machine.boot(f"{system.parameter} rd.kjump.onfail=wait=600", ready=False)
    machine.wait_console("r: try again", since=mark)
    damage(system.image.path, index)  # the same once more repairs it
    machine.press("r")
    system.wait_for_a(mark)
    assert job.wait() == 0, job.output()
    system.workload.check()
    system.workload.finish()


@full
def test_stopped_at_the_console(make_system):
    """A bar says how far the restore is; Esc twice boots on, and the image says why it is not restored."""
    system = make_system()
    machine = system.machine
    system.boot(memory=300, cache=4)
    system.hibernate()
    mark = machine.boot(f"{system.parameter} rd.kjump.onfail=wait=600", ready=False)
    machine.wait_console(r"restoring: \[#*\.*\] +\d+ %  \d+:\d\d left  \(Esc twice", since=mark)
    machine.type("\x1b")
    machine.wait_console("Esc again: boot without it", since=mark)
    machine.type("\x1b")
    machine.wait_console("stopped; booting on without", since=mark)
    machine.wait_console("^guest ready", 90, since=mark)
    assert system.boot_id() != system.saved_boot
    assert "stopped at the console" in machine.run(f"kjump info {machine.device(system.image)}")
    machine.kill()


@full
def test_keys_on_usb(make_system):
    """A machine without the old keyboard, and a kernel that has all drivers of the new one as modules."""
    system = make_system()
    machine = system.machine
    system.boot(workload=False)
    system.hibernate()
    _, _, index = superblock(system.image.path)
    damage(system.image.path, index)

    machine.kernel = artifacts.stock("6.12", "generic") / "vmlinuz"
    machine.initramfs = artifacts.dracut_of_stock("6.12", "generic", "")
    machine.extra += ["-machine", "i8042=off", "-device", "qemu-xhci", "-device", "usb-kbd"]
    mark = machine.boot(f"{system.parameter} rd.kjump.onfail=wait=600 {ROOT}", ready=False)
    machine.wait_console("r: try again", 90, since=mark)
    for _ in range(20):  # the driver needs a moment to find it
        machine.press("p")
        if machine.ended(2):
            break
    machine.wait_exit()
    assert "powering off" in machine.console(mark)


class LateDisk:
    """A system whose image is on a disk that can be left out, and plugged in where it was."""

    PLUG = "virtio-blk-pci,drive=image,bus=socket0,id=image"

    def __init__(self, make_system):
        self.system = make_system()
        machine = self.machine = self.system.machine
        machine.disks.remove(self.system.image)
        machine.extra += ["-device", "pcie-root-port,id=socket0,chassis=1", "-drive",
                          f"if=none,id=image,format=raw,file={self.system.image.path}"]
        machine.extra += ["-device", self.PLUG]
        self.system.boot(memory=4, cache=4)
        self.job = self.system.hibernate()
        del machine.extra[-2:]

    def plug_in(self):
        assert "rror" not in self.machine.monitor(f"device_add {self.PLUG}")

    def restored(self, mark):
        self.system.wait_for_a(mark)
        assert self.job.wait() == 0, self.job.output()
        self.system.workload.check()
        self.system.workload.finish()


@pytest.fixture
def late_disk(make_system):
    return LateDisk(make_system)


@full
def test_disk_that_comes_late(late_disk):
    """For ever is longer than the ten seconds of before, after which the image was made stale."""
    machine = late_disk.machine
    mark = machine.boot(f"{late_disk.system.parameter} rd.kjump.timeout=infinity", ready=False)
    machine.wait_console("no such device; waiting for it", since=mark)
    time.sleep(12)
    late_disk.plug_in()
    late_disk.restored(mark)


@full
def test_disk_that_somebody_brings(late_disk):
    """A device that is not there is asked about; nothing says that there is nothing to restore."""
    machine = late_disk.machine
    mark = machine.boot(f"{late_disk.system.parameter} rd.kjump.timeout=4 rd.kjump.onfail=wait=600",
                        ready=False)
    machine.wait_console("r: try again", since=mark)
    console = machine.console(mark)
    assert "waiting for it, 1 s left" in console or "waiting for it, 2 s left" in console
    assert "nothing to restore" not in console
    late_disk.plug_in()
    machine.press("r")
    late_disk.restored(mark)


@full
def test_clone_is_marked_too(make_system, tmp_path):
    """Two disks answer to the name: neither is restored, and neither can be after the boot goes on."""
    system = make_system()
    machine = system.machine
    system.boot(workload=False)
    system.hibernate()
    clone = tmp_path / "clone.raw"
    shutil.copy(system.image.path, clone)
    os.truncate(clone, system.image.size + MIB)
    machine.disks.append(Disk(clone, system.image.size + MIB))

    assert re.search("more than one device has this name: /dev/vd., /dev/vd.$", system.boot_on(),
                     re.MULTILINE)
    for disk in (system.image, machine.disks[-1]):
        assert re.search("stale.*(.|\n)*booted on: .*more than one device",
                         machine.run(f"kjump info {machine.device(disk)}"))
