# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel B's user space alone: its init with scripts in place of the two programs."""

import shutil
import subprocess

import pytest

import artifacts
from machine import Disk, MIB
from system import B_BOOTED

BUILD = artifacts.REPOSITORY / "initramfs/build"

# kjump-write: the next of the given statuses at each call.
WRITE = """#!/bin/busybox sh
[ "$1" != --died ] || {{ echo "told that it died: $2"; exit 1; }}
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
    # The one that says nothing A can go by; 128 and the number of the signal.
    assert console.count("told that it died") == 1
    assert "told that it died: 139" in console
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


@pytest.mark.full
def test_modules_get_their_options(make_machine, tmp_path):
    """Which the kernel leaves to whoever loads them; in quotes as well."""
    tools = fake_tools(tmp_path / "tools")
    (tools / "kjump-write").write_text(
        "#!/bin/busybox sh\ncd /sys/module/virtio_blk/parameters\n"
        "echo depth $(busybox cat queue_depth), poll $(busybox cat poll_queues).\n")
    shutil.copy(artifacts.tools() / "kjump-back", tools)
    folder = artifacts.stock("6.12", "cloud")
    artifacts.call(BUILD, "--tools", tools, "--modules", folder / "modules", "--all-storage",
                   tmp_path / "b.img")
    machine = make_machine(memory="256M", kernel=folder / "vmlinuz", initramfs=tmp_path / "b.img",
                           disks=[Disk(tmp_path / "disk.raw", 64 * MIB)],
                           append='virtio_blk.queue_depth=33 "virtio-blk.poll_queues=2" '
                                  'x="virtio_blk.queue_depth=44 "')
    mark = machine.boot(ready=False)
    machine.wait_exit()
    assert "depth 33, poll 2." in machine.console(mark)


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
    artifacts.call(BUILD, "--tools", tools, "--modules", modules, "--all-storage",
                   tmp_path / "image")
    names, loaded = contents(tmp_path / "image")
    assert loaded == ["t10-pi.ko", "nvme-core.ko", "nvme.ko", "sd_mod.ko"]
    assert "lib/modules/nvme.ko\n" in names
    assert "snd" not in names


class FakeSys:
    """A /sys with devices, and the modules directory of a kernel that can drive them."""

    def __init__(self, folder):
        self.sys, self.modules, self.folder = folder / "sys", folder / "modules", folder
        for part in ("block", "class/block", "devices"):
            (self.sys / part).mkdir(parents=True)
        self.modules.mkdir()
        self.dependencies, self.aliases = "", ""

    def device(self, path, **attributes):
        folder = self.sys / "devices" / path
        folder.mkdir(parents=True)
        for name, text in attributes.items():
            (folder / name).write_text(f"{text}\n")
        return folder

    def block(self, path, size=2048):
        folder = self.device(path, size=size)
        (self.sys / "class/block" / folder.name).symlink_to(folder)
        if folder.parent.name == "block" or "virtual" in path:
            (self.sys / "block" / folder.name).symlink_to(folder)
        return folder

    def module(self, name, *needs, alias=None):
        (self.modules / f"{name}.ko").write_text(name)
        self.dependencies += f"{name}.ko: {' '.join(f'{need}.ko' for need in needs)}\n"
        if alias:
            self.aliases += f"alias {alias} {name.replace('-', '_')}\n"

    def load_order(self, *arguments):
        (self.modules / "modules.dep").write_text(self.dependencies)
        (self.modules / "modules.alias").write_text(self.aliases)
        root = self.folder / "root"
        artifacts.call(BUILD.parent / "modules", "--sys", self.sys, *arguments, self.modules, root)
        loaded = (root / "lib/modules/load").read_text().split()
        shutil.rmtree(root)
        return loaded


@pytest.fixture
def fake_sys(tmp_path):
    """An NVMe disk behind VMD with two paths, a disk on AHCI, a mapping on the latter, a loop."""
    fake = FakeSys(tmp_path)
    vmd = "pci0000:00/0000:00:0e.0"
    fake.device(vmd, **{"class": "0x010400", "modalias": "pci:v8086d28C0bc01sc04i00"})
    fake.device(f"{vmd}/pci10000/port", **{"class": "0x060400", "modalias": "pci:v8086d1bc06sc04i00"})
    nvme = fake.device(f"{vmd}/pci10000/port/nvme", modalias="pci:v144DdA808bc01sc08i02")
    fake.block("virtual/nvme-subsystem/nvme-subsys0/nvme0n1")
    fake.block("virtual/nvme-subsystem/nvme-subsys0/nvme0n1/nvme0n1p1")
    (fake.sys / "devices/virtual/nvme-subsystem/nvme-subsys0/nvme0").symlink_to(nvme)
    ahci = "pci0000:00/0000:00:1f.2"
    fake.device(ahci, **{"class": "0x010601", "modalias": "pci:v8086d2922bc01sc06i01"})
    fake.device(f"{ahci}/ata1/0:0:0:0", modalias="scsi:t-0x00")
    sda = fake.block(f"{ahci}/ata1/0:0:0:0/block/sda")
    mapping = fake.block("virtual/block/dm-0")
    (mapping / "slaves").mkdir()
    (mapping / "slaves/sda").symlink_to(sda)
    fake.block("virtual/block/loop0")
    fake.module("vmd", alias="pci:v8086d28C0*")
    fake.module("nvme-core")
    fake.module("nvme", "nvme-core", alias="pci:v*d*bc01sc08i02*")
    fake.module("shpchp", alias="pci:v*bc06sc04i00*")
    fake.module("libata")
    fake.module("ahci", "libata", alias="pci:v*d*bc01sc06i01*")
    fake.module("sd_mod", alias="scsi:t-0x00*")
    fake.module("virtio_blk", alias="virtio:d00000002v*")
    return fake


def test_modules_for_a_target(fake_sys):
    """What the device hangs on comes first; bridges and other disks bring nothing."""
    assert fake_sys.load_order("--target", "/dev/nvme0n1p1") == ["vmd.ko", "nvme-core.ko", "nvme.ko"]
    assert fake_sys.load_order("--target", "/dev/dm-0") == ["libata.ko", "ahci.ko", "sd_mod.ko"]
    with pytest.raises(RuntimeError, match="/dev/sdq: not a block device; nothing written"):
        fake_sys.load_order("--target", "/dev/sdq")


def test_modules_for_this_machine(fake_sys):
    assert sorted(fake_sys.load_order()) == sorted(
        ["vmd.ko", "nvme-core.ko", "nvme.ko", "libata.ko", "ahci.ko", "sd_mod.ko"])


def test_a_driver_in_use_counts_more_than_an_alias(fake_sys):
    fake_sys.module("ahci_special")
    driver = fake_sys.device("module/ahci_special")
    device = fake_sys.sys / "devices/pci0000:00/0000:00:1f.2"
    (device / "driver").mkdir()
    (device / "driver/module").symlink_to(driver)
    assert fake_sys.load_order("--target", "/dev/sda") == ["ahci_special.ko", "sd_mod.ko"]


def test_modules_for_keyboards(fake_sys):
    """USB with its hosts and what this machine's keyboards hang on; no mouse, and no storage."""
    for name, events in (("input0", "120013"), ("input1", "17")):
        fake_sys.device(f"platform/special/{name}", modalias=f"input:{name}")
        (fake_sys.sys / f"devices/platform/special/{name}/capabilities").mkdir()
        (fake_sys.sys / f"devices/platform/special/{name}/capabilities/ev").write_text(events)
        (fake_sys.sys / "class/input").mkdir(exist_ok=True)
        (fake_sys.sys / "class/input" / name).symlink_to(
            fake_sys.sys / "devices/platform/special" / name)
    (fake_sys.sys / "devices/platform/special/modalias").write_text("acpi:KEYS:\n")
    for name, needs in (("hid", ()), ("usbhid", ("hid",)), ("xhci-pci", ())):
        fake_sys.module(name, *needs)
    fake_sys.module("special_keys", alias="acpi*:KEYS:*")
    fake_sys.module("mouse", alias="input:input1")
    assert fake_sys.load_order("--keyboards") == [
        "xhci-pci.ko", "hid.ko", "usbhid.ko", "special_keys.ko"]


def test_build_refuses_to_grow(tmp_path):
    tools = fake_tools(tmp_path / "tools")
    with open("/dev/urandom", "rb") as random:
        (tools / "kjump-write").write_bytes(random.read(5 << 20))
    with pytest.raises(RuntimeError, match="more than 4194304; nothing written"):
        artifacts.call(BUILD, "--tools", tools, tmp_path / "image")
    assert not (tmp_path / "image").exists()


def test_build_replaces_no_device(tmp_path):
    """The rename at its end would put a file in the place of /dev/null."""
    (tmp_path / "image").symlink_to("/dev/null")
    with pytest.raises(RuntimeError, match="image: no file; nothing written"):
        artifacts.call(BUILD, "--tools", fake_tools(tmp_path / "tools"), tmp_path / "image")
    assert (tmp_path / "image").is_symlink()


def test_names_of_modules(tmp_path):
    """What a kernel would take, without taking it: dependencies come first."""
    (tmp_path / "modules.dep").write_text(
        "kernel/snd.ko:\nkernel/nvme.ko.xz: kernel/nvme-core.ko\nkernel/nvme-core.ko:\n")
    done = subprocess.run([BUILD.parent / "modules", "--all-storage", "--names", tmp_path],
                          stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split() == ["nvme-core", "nvme"]
