# SPDX-License-Identifier: GPL-2.0-or-later
"""
Machines with what people have: Debian's generic kernel drives all of it before, between and after
checkpoints, and after a hibernation and a power-off.
"""

import re
import subprocess
import time

import pytest

import artifacts
from machine import Disk, MIB

pytestmark = pytest.mark.full

KERNEL = ("6.12", "generic")


class Device:
    """Something in a machine. MODULES are its drivers, which kernel C does without."""
    modules = ()

    def __init__(self, folder):
        self.folder = folder

    def arguments(self):
        return []

    def power_on(self):
        """Before the machine is switched on."""

    def prepare(self, machine):
        """Once, when A has booted."""

    def check(self, machine):
        """It works; called before and after each jump."""
        raise NotImplementedError


class Screen(Device):
    """A console on a driver of the DRM, and its picture, which must be what it was."""

    def picture(self, machine):
        path = self.folder / "screen.ppm"
        machine.monitor(f"screendump {path}")
        return path.read_bytes()

    def prepare(self, machine):
        assert machine.run("cat /sys/class/graphics/fb0/name") == self.fb
        machine.run("dmesg -n 1; printf '\\033[2J\\033[H\\033[?25l' > /dev/tty0; "
                    "for i in $(seq 20); do echo \"line $i of a picture\" > /dev/tty0; done")
        time.sleep(2)
        self.before = self.picture(machine)
        assert len(set(self.before)) > 2

    def check(self, machine):
        deadline = time.monotonic() + 20
        while self.picture(machine) != self.before:
            assert time.monotonic() < deadline, "another picture"
            time.sleep(0.5)
        # And it is drawn on.
        machine.run("printf '\\033[30;1Hmore' > /dev/tty0; sleep 1")
        assert self.picture(machine) != self.before
        machine.run("printf '\\033[30;1H\\033[2K' > /dev/tty0; sleep 1")
        assert self.picture(machine) == self.before


class Bochs(Screen):
    modules, vga, fb = ("bochs",), "std", "bochs-drmdrmfb"


class Qxl(Screen):
    modules, vga, fb = ("qxl",), "qxl", "qxldrmfb"


class Network(Device):
    """The host of a network that QEMU makes answers."""

    def arguments(self):
        return ["-netdev", f"user,id={self.model},net=10.0.{self.net}.0/24",
                "-device", f"{self.model},netdev={self.model},mac=52:54:00:00:00:{self.net:02}"]

    def name(self, machine):
        return machine.run(f"grep -il 52:54:00:00:00:{self.net:02} /sys/class/net/*/address"
                           ).split("/")[4]

    def prepare(self, machine):
        name = self.name(machine)
        machine.run(f"ip link set {name} up; ip addr add 10.0.{self.net}.15/24 dev {name}")

    def check(self, machine):
        machine.run(f"for i in $(seq 20); do ping -c 1 -W 1 10.0.{self.net}.2 && exit; done; exit 1")


class E1000e(Network):
    modules, model, net = ("e1000e",), "e1000e", 11


class VirtioNet(Network):
    modules, model, net = ("virtio_net",), "virtio-net-pci", 12


class Input(Device):
    """What is typed and moved arrives at the USB device's event file."""
    modules = ("xhci_pci", "usbhid", "hid_generic", "evdev")

    def event(self, machine, name):
        """The event file of a device, which has another number when it was found anew."""
        return machine.run(f"for i in $(seq 50); do for f in /sys/class/input/event*; do "
                           f"grep -q '{name}' $f/device/name && echo ${{f##*/}} && exit; done; "
                           "sleep 0.2; done; cat /proc/bus/input/devices; exit 1")

    def arrives(self, machine, name, action, wanted):
        """(type, code) of the events that ACTION makes."""
        event = self.event(machine, name)
        machine.run(f"rm -f /run/events; (timeout 20 cat /dev/input/{event} > /run/events) "
                    "> /dev/null 2>&1 &")
        seen = set()
        for _ in range(10):
            action()
            time.sleep(0.7)
            words = machine.run("od -An -v -tu2 -w24 /run/events").splitlines()
            seen = {tuple(int(word) for word in line.split()[8:10]) for line in words}
            if wanted in seen:
                machine.run("killall cat; :")
                return
        raise AssertionError(f"{name}: {wanted} is not in {seen}")


class Keyboard(Input):
    def arguments(self):
        return ["-device", "usb-kbd,bus=xhci.0,port=1"]

    def check(self, machine):
        self.arrives(machine, "USB Keyboard", lambda: machine.press("a"), (1, 30))


class Mouse(Input):
    def arguments(self):
        return ["-device", "usb-mouse,bus=xhci.0,port=2"]

    def check(self, machine):
        self.arrives(machine, "USB Mouse", lambda: machine.monitor("mouse_move 5 7"), (2, 0))


class Stick(Device):
    """A disk behind a USB hub, read past the cache."""
    modules = ("xhci_pci", "usb_storage", "sd_mod")

    def arguments(self):
        self.disk = Disk(self.folder / "stick.raw", 33 * MIB)
        with open(self.disk.path, "r+b") as file:
            file.write(b"stick" * 1000)
        return ["-device", "usb-hub,bus=xhci.0,port=3", "-drive",
                f"if=none,id=stick,format=raw,file={self.disk.path}",
                "-device", "usb-storage,bus=xhci.0,port=3.1,drive=stick,id=stick"]

    def check(self, machine):
        machine.run("for i in $(seq 50); do grep -lx 67584 /sys/class/block/*/size && exit; "
                    "sleep 0.2; done; exit 1")
        device = machine.device(self.disk)
        text = machine.run(f"dd if={device} bs=4096 count=1 iflag=direct 2> /dev/null")
        assert text.startswith("stickstick")


class Sound(Device):
    """Its device opens, and the codec answers."""
    modules = ("snd_hda_intel", "snd_hda_codec_generic")

    def arguments(self):
        return ["-audiodev", "none,id=sound", "-device", "ich9-intel-hda", "-device",
                "hda-duplex,audiodev=sound"]

    def check(self, machine):
        machine.run(": <> /dev/snd/pcmC0D0p")
        assert "Codec: QEMU" in machine.run("cat /proc/asound/card0/codec#0")
        # Written with each opening, and asked of the device.
        assert "Amp-Out vals:" in machine.run("cat /proc/asound/card0/codec#0")


class Tpm(Device):
    """A TPM 2.0 by swtpm, which answers with random bytes."""

    def arguments(self):
        return ["-chardev", f"socket,id=tpm,path={self.socket}", "-tpmdev",
                "emulator,id=tpm,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm"]

    @property
    def socket(self):
        return f"/tmp/kjump-tpm-{abs(hash(self.folder)):x}"

    def power_on(self):
        """It ends when QEMU does."""
        state = self.folder / "tpm"
        state.mkdir(exist_ok=True)
        subprocess.run(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--ctrl",
                        f"type=unixio,path={self.socket}", "--terminate", "--daemon"], check=True)

    def check(self, machine):
        command = "\\200\\001\\000\\000\\000\\014\\000\\000\\001\\173\\000\\010"
        answer = machine.run(f"exec 3<> /dev/tpm0; printf '{command}' > /run/tpm; "
                             "cat /run/tpm >&3; dd bs=64 count=1 <&3 2> /dev/null | od -An -v -tx1")
        words = answer.split()
        assert words[:10] == "80 01 00 00 00 14 00 00 00 00".split() and len(words) == 20, answer


class Watchdog(Device):
    """Runs all the time; a reset would be seen by all others."""
    modules = ("i6300esb",)

    def arguments(self):
        return ["-device", "i6300esb", "-action", "watchdog=reset"]

    def prepare(self, machine):
        machine.run("watchdog -T 120 -t 2 /dev/watchdog0")

    def check(self, machine):
        assert machine.run("cat /sys/class/watchdog/watchdog0/identity") == "i6300ESB timer"
        machine.run("pidof watchdog")


class Serial(Device):
    """What is written to a port of virtio-serial arrives."""

    def arguments(self):
        self.count, self.output = 0, self.folder / "port"
        return ["-device", "virtio-serial-pci", "-chardev",
                f"file,id=port,path={self.output},append=on",
                "-device", "virtserialport,chardev=port,name=port"]

    def check(self, machine):
        self.count += 1
        machine.run(f"echo line {self.count} > $(ls /dev/vport*p1 | tail -n 1)", 10)
        deadline = time.monotonic() + 10
        while f"line {self.count}\n" not in self.output.read_text():
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.2)


class Random(Device):
    """virtio-rng, which each machine of the tests has."""
    modules = ("virtio_rng",)

    def check(self, machine):
        machine.run("echo virtio_rng.0 > /sys/class/misc/hw_random/rng_current")
        assert len(machine.run("dd if=/dev/hwrng bs=16 count=1 2> /dev/null | od -An -tx1"
                               ).split()) == 16


class Balloon(Device):
    """Takes memory and gives it back."""
    modules = ("virtio_balloon",)

    def arguments(self):
        return ["-device", "virtio-balloon-pci"]

    def check(self, machine):
        for size, comparison in ((800, "-lt 860000"), (1024, "-gt 900000")):
            machine.monitor(f"balloon {size}")
            machine.run("for i in $(seq 100); do [ $(awk '/MemTotal/ { print $2 }' /proc/meminfo) "
                        f"{comparison} ] && exit; sleep 0.2; done; exit 1", 30)


XHCI = ["-device", "qemu-xhci,id=xhci,addr=0x10"]

ZOO = {
    "desktop": (Bochs, E1000e, Keyboard, Mouse, Stick, Sound),
    "qxl": (Qxl, VirtioNet, Tpm, Watchdog),
    "virtual": (Bochs, VirtioNet, Random, Balloon, Serial),
}


def make_zoo(make_system, folder, classes, **options):
    devices = [make(folder) for make in classes]
    modules = sorted({module for device in devices for module in device.modules})
    stock = artifacts.stock_with_module(*KERNEL)
    # The image's disk on NVMe, the data's on AHCI.
    system = make_system(
        kernel=stock / "vmlinuz", memory="1G", bus="nvme", vga=devices[0].vga,
        accelerator=artifacts.steady_accelerator(), cpu="max,-erms,-fsrm,vendor=GenuineIntel",
        initramfs=artifacts.guest_with_module(*KERNEL, modules=tuple(modules)),
        extra=XHCI + [word for device in devices for word in device.arguments()], **options)
    system.workload.disk.bus = "ahci"
    return system, devices


def all_work(system, devices):
    for device in devices:
        try:
            device.check(system.machine)
        except Exception as error:
            raise AssertionError(f"{type(device).__name__}: {error}") from error


@pytest.mark.parametrize("name", ZOO)
def test_zoo(make_system, tmp_path, name):
    system, devices = make_zoo(make_system, tmp_path, ZOO[name])
    machine = system.machine
    for device in devices:
        device.power_on()
    system.boot(memory=32, cache=8)
    for device in devices:
        device.prepare(machine)
    all_work(system, devices)
    for _ in range(3):
        system.checkpoint(120)
        system.workload.check()
        all_work(system, devices)
    job = system.hibernate(120)
    assert system.b_boots() == 1
    for device in devices:
        device.power_on()
    # C has drivers for storage alone, as an initramfs has when it restores.
    machine.initramfs = artifacts.guest_with_module(*KERNEL)
    system.restore(job, timeout=180)
    system.workload.check()
    all_work(system, devices)
    assert not re.search(r"BUG:|WARNING:|Oops|refused|-110", machine.run("dmesg")), \
        machine.run("dmesg | grep -B 3 -A 20 -E 'BUG:|WARNING:|Oops|-110'")
    system.checkpoint(120)
    all_work(system, devices)
    system.workload.finish()


def test_changed_while_away(make_system, tmp_path):
    """
    A USB disk is gone and a second NVMe disk has come: A finds out, and goes on. With UEFI:
    SeaBIOS keeps the memory by which it drives each disk, which is then A's no more.
    """
    system, devices = make_zoo(make_system, tmp_path, (Bochs, Keyboard, Stick), firmware="uefi")
    machine = system.machine
    system.boot(memory=32, cache=8)
    all_work(system, devices[1:])
    job = system.hibernate(120)
    stick = devices.pop()
    without = [word for device in devices for word in device.arguments()]
    second = Disk(tmp_path / "second.raw", 99 * MIB)
    machine.extra = XHCI + without + [
        "-device", "usb-hub,bus=xhci.0,port=3", "-drive",
        f"if=none,id=second,format=raw,file={second.path}",
        "-device", "nvme,drive=second,serial=second,addr=0x18"]
    machine.initramfs = artifacts.guest_with_module(*KERNEL)
    system.restore(job, timeout=180)
    system.workload.check()
    machine.run("for i in $(seq 50); do grep -lx 67584 /sys/class/block/*/size || exit 0; "
                "sleep 0.2; done; exit 1")
    machine.run("echo 1 > /sys/bus/pci/rescan; for i in $(seq 50); do "
                "grep -lx 202752 /sys/class/block/*/size && exit; sleep 0.2; done; exit 1")
    machine.run(f"dd if={machine.device(second)} of=/dev/null bs=1M count=1 iflag=direct")
    all_work(system, devices[1:])
    # It can be plugged in again.
    machine.monitor(f"drive_add 0 if=none,id=stick,format=raw,file={stick.disk.path}")
    machine.monitor("device_add usb-storage,bus=xhci.0,port=3.1,drive=stick,id=stick")
    stick.check(machine)
    system.checkpoint(120)
    system.workload.check()
    system.workload.finish()


def test_screen_that_cannot_sleep(make_system):
    """virtio_gpu has no callbacks for it in this kernel: said before, and not afterwards."""
    system = make_system(kernel=artifacts.stock_with_module(*KERNEL) / "vmlinuz", vga="virtio",
                         initramfs=artifacts.guest_with_module(*KERNEL, modules=("virtio_gpu",)))
    machine = system.machine
    system.boot(memory=8, cache=4)
    assert machine.run("cat /sys/class/graphics/fb0/name") == "virtio_gpudrmfb"
    status, text = machine.call("kjump check 2>&1")
    assert status and re.search(r"virtio_gpu \(virtio\d+\) cannot be put to sleep", text), text
    machine.run("sed -i /anyway/d /etc/kjump.conf")
    status, text = machine.call("kjump checkpoint 2>&1")
    assert status == 1 and "nothing was saved (--anyway" in text, text
    machine.run("kjump checkpoint --anyway", 120)
    system.workload.check()
    system.workload.finish()
