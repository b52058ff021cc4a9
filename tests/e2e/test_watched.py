# SPDX-License-Identifier: GPL-2.0-or-later
"""What is watched of a file system changes when the kernel mounts or writes it."""

import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

import artifacts
from machine import Disk, Machine, MIB
from system import CHANGED
from workload import host_path, make_file_system

# How each is made on the host, and what must be seen: each write, or only a mount. To FAT, exFAT and
# NTFS a new file is a change of what is allocated; f2fs and the others write a checkpoint or a log.
MAKE = {
    "ext4": "mkfs.ext4 -q -F",
    "xfs": "mkfs.xfs -q",
    "btrfs": "mkfs.btrfs -q",
    "f2fs": "mkfs.f2fs -q",
    "vfat": "mkfs.vfat",
    "exfat": "mkfs.exfat",
    "ntfs3": "mkfs.ntfs -q -F -Q -p 0 -H 0 -S 0 -s 512",
}

ROUNDS = 10

# Prints "same" whenever a round is not seen, and "moving" when a system at rest is not the same.
SCRIPT = """
set -e
look() {{ watched {device} {type} > /run/now; }}
seen() {{ ! cmp -s /run/now /run/before || echo "same: $1"; cp /run/now /run/before; }}
look; cp /run/now /run/before
mount -t {type} {device} /mnt
for i in $(seq {rounds}); do
    head -c 100000 /dev/urandom > /mnt/file$i; sync; look; seen "file $i"
done
look; cmp -s /run/now /run/before || echo moving
umount /mnt; look; cp /run/now /run/before
mount -t {type} {device} /mnt; echo > /mnt/more; umount /mnt; look; seen "mounted again"
! grep unjudged /run/now
"""


@pytest.mark.full
@pytest.mark.kexec_jump
def test_every_write_is_seen(make_machine, tmp_path):
    disks = {}
    for number, (kind, command) in enumerate(MAKE.items()):
        disks[kind] = Disk(tmp_path / f"{kind}.raw", (600 + number) * MIB)
        subprocess.run([*command.split(), str(disks[kind].path)], check=True, env=host_path(),
                       stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    machine = make_machine(disks=list(disks.values()))
    machine.boot()
    for kind, disk in disks.items():
        output = machine.run(SCRIPT.format(device=machine.device(disk), type=kind, rounds=ROUNDS),
                             120)
        assert output == "", f"{kind}: {output}"
    machine.power_off()


@pytest.mark.full
def test_other_namespace(make_system):
    """What is mounted for one process alone is watched as well."""
    system = make_system()
    machine = system.machine
    system.boot(workload=False)
    disk = system.workload.disk
    machine.run(f"unshare -m sh -c 'mount -t ext4 {machine.device(disk)} /mnt; echo > /mnt/file; "
                "sync; touch /run/mounted; exec sleep 10000' > /dev/null 2>&1 &")
    machine.run("while ! [ -e /run/mounted ]; do sleep 0.1; done")
    assert "/mnt" not in machine.run("cat /proc/self/mounts")
    system.hibernate()
    subprocess.run(["e2fsck", "-p", str(disk.path)], env=host_path(), stdout=subprocess.DEVNULL)
    subprocess.run(["debugfs", "-w", "-R", "mkdir changed", str(disk.path)], env=host_path(),
                   check=True, stderr=subprocess.DEVNULL)
    assert re.search(CHANGED, system.boot_on())
    machine.power_off()


@pytest.mark.full
def test_mounted_right_before(make_system, tmp_path):
    """What is mounted between the look at what is mounted and the freeze is watched as well."""
    other = Disk(tmp_path / "other.raw", 130 * MIB)
    make_file_system(other.path)
    system = make_system(disks=[other])
    machine = system.machine
    system.boot(memory=8, cache=4)
    system.checkpoint()

    def extents():
        info = machine.run(f"kjump info {machine.device(system.image)}")
        return int(re.search(r"watched +(\d+) extents", info)[1])
    before = extents()
    machine.run(f"mkdir -p /run/other; racer {machine.device(other)} /run/other "
                "> /dev/null 2>&1 & sleep 1")
    status, output = machine.call("kjump checkpoint", 120)
    assert status == 0 and "came or went meanwhile; looking again" in output, output
    assert extents() > before
    machine.run("grep -q /run/other /proc/mounts; umount /run/other")
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
def test_loops(make_system):
    """What is behind a loop device does not depend on the name that it has, or had."""
    system = make_system(modules=("loop",))
    machine = system.machine
    system.boot(workload=False)
    machine.run("insmod /lib/modules/loop.ko; mkdir -p /mnt /run/far")
    major, minor = (int(word, 16) for word in
                    machine.run(f"stat -c '%t %T' {machine.device(system.workload.disk)}").split())
    machine.run(f"mknod /run/node b {major} {minor}; losetup /dev/loop0 /run/node; "
                "mount -t ext4 /dev/loop0 /mnt; rm /run/node")
    refusal = machine.call("kjump hibernate", 60)
    assert refusal[0] and "over another device, which kjump does not follow" in refusal[1]
    machine.run("umount /mnt; losetup -d /dev/loop0")
    # A file in memory that has lost its name, and one of a mount that only one process has.
    machine.run("""
        dd if=/dev/zero of=/run/image bs=1M count=16 2> /dev/null; losetup /dev/loop0 /run/image
        mke2fs -F /dev/loop0 > /dev/null 2>&1; mount -t ext2 /dev/loop0 /mnt; rm /run/image
        unshare -m sh -c 'mount -t tmpfs none /run/far; dd if=/dev/zero of=/run/far/image bs=1M \
            count=16; mke2fs -F /run/far/image; losetup /dev/loop1 /run/far/image
            touch /run/ready; exec sleep 10000' > /dev/null 2>&1 &
        while ! [ -e /run/ready ]; do sleep 0.1; done; mkdir -p /run/two
        mount -t ext2 /dev/loop1 /run/two""")
    status, output = machine.call("kjump check", 60)
    assert "loop" not in output, output
    machine.power_off()


SYSTEMD_BOOT = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"
TOKEN = "/sys/firmware/efi/efivars/LoaderSystemToken-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"


def make_system_partition(path, folder):
    """A disk that is all FAT with what is in FOLDER, and what it is to boot."""
    (folder / "vmlinuz").write_bytes(artifacts.kernel().read_bytes())
    (folder / "initrd").write_bytes(artifacts.guest_of_tests().read_bytes())
    subprocess.run(["mkfs.vfat", "-F", "32", str(path)], check=True, env=host_path(),
                   stdout=subprocess.DEVNULL)
    subprocess.run(["mcopy", "-s", "-i", str(path), *map(str, folder.iterdir()), "::/"], check=True)


def make_systemd_boot(path, parameters):
    """systemd-boot with a random seed."""
    folder = path.parent / "esp"
    for name in ("EFI/BOOT", "loader/entries"):
        (folder / name).mkdir(parents=True)
    (folder / "EFI/BOOT/BOOTX64.EFI").write_bytes(Path(SYSTEMD_BOOT).read_bytes())
    (folder / "loader/loader.conf").write_text("timeout 0\n")
    (folder / "loader/random-seed").write_bytes(os.urandom(512))
    (folder / "loader/entries/guest.conf").write_text(
        f"title guest\nlinux /vmlinuz\ninitrd /initrd\noptions {parameters}\n")
    make_system_partition(path, folder)


def seed_and_date(path):
    """What systemd-boot changes at a boot: the seed, and the date of its folder in the root."""
    seed = subprocess.run(["mtype", "-i", str(path), "::/loader/random-seed"], check=True,
                          stdout=subprocess.PIPE).stdout
    with open(path, "rb") as file:
        boot = file.read(512)
        reserved, tables = int.from_bytes(boot[14:16], "little"), boot[16]
        file.seek(512 * (reserved + tables * int.from_bytes(boot[36:40], "little")))
        root = file.read(4096)
    entry = root.index(b"LOADER     ")
    return seed, root[entry + 13:entry + 26]


@pytest.mark.full
@pytest.mark.kexec_jump
def test_system_partition(make_system, tmp_path):
    """Mounted, and written at every boot by the boot loader: no reason not to restore."""
    esp = Disk(tmp_path / "esp.raw", 300 * MIB)
    system = make_system(disks=[esp], firmware="uefi", boots_disk=True)
    subprocess.run([artifacts.tools() / "kjump", "format", "--force", system.image.path], check=True,
                   stdout=subprocess.DEVNULL)
    make_systemd_boot(esp.path, f"{Machine.PARAMETERS} {system.parameter}")
    machine = system.machine
    machine.boot(timeout=120)
    machine.run("mount -t efivarfs efivarfs /sys/firmware/efi/efivars; "
                "(printf '\\007\\000\\000\\000'; head -c 32 /dev/urandom) > /run/token; "
                f"cat /run/token > {TOKEN}; "
                f"mkdir /run/esp; mount -t vfat {machine.device(esp)} /run/esp; ls /run/esp/loader")
    system.configure(f"UUID={system.uuid()}")
    system.workload.start(memory=8, cache=4)
    job = system.hibernate()
    before = seed_and_date(esp.path)
    mark = machine.boot(ready=False)
    system.wait_for_a(mark, 180)
    assert job.wait() == 0, job.output()
    after = seed_and_date(esp.path)
    assert before[0] != after[0] and before[1] != after[1], "the boot loader wrote nothing"
    system.workload.check()
    machine.run("umount /run/esp")
    system.workload.finish()


GRUB = """
search --no-floppy --file --set=esp /vmlinuz
search --no-floppy --file --set=data /environment
function count {{
    load_env --file $1 boots
    set boots=${{boots}}x
    save_env --file $1 boots
}}
count ($esp)/environment
count ($data)/environment
linux ($esp)/vmlinuz {parameters}
initrd ($esp)/initrd
boot
"""


def make_grub(esp, data, parameters):
    """GRUB, which writes its environment blocks at each boot: one beside it, one on the ext4 DATA."""
    folder = esp.parent / "esp"
    (folder / "EFI/BOOT").mkdir(parents=True)
    configuration = esp.parent / "grub.cfg"
    configuration.write_text(GRUB.format(parameters=parameters))
    modules = "normal test search search_fs_file fat ext2 loadenv linux"
    subprocess.run(["grub-mkstandalone", "-O", "x86_64-efi", "--locales=", "--fonts=", "--themes=",
                    f"--modules={modules}", f"--install-modules={modules}",
                    "-o", str(folder / "EFI/BOOT/BOOTX64.EFI"),
                    f"boot/grub/grub.cfg={configuration}"], check=True)
    block = folder / "environment"
    subprocess.run(["grub-editenv", str(block), "create"], check=True)
    subprocess.run(["debugfs", "-w", "-R", f"write {block} environment", str(data)], check=True,
                   env=host_path(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    make_system_partition(esp, folder)


def boots_counted(esp, data):
    """How often GRUB has counted, in either block."""
    block = esp.parent / "block"
    counts = []
    for command in (["mcopy", "-o", "-i", str(esp), "::/environment", str(block)],
                    ["debugfs", "-R", f"dump environment {block}", str(data)]):
        subprocess.run(command, check=True, env=host_path(), stderr=subprocess.DEVNULL)
        found = subprocess.run(["grub-editenv", str(block), "list"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout
        counts.append(found.strip().removeprefix("boots=").count("x"))
    return counts


@pytest.mark.full
@pytest.mark.kexec_jump
def test_environment_of_grub(make_system, tmp_path):
    """Written in place at every boot, to an ESP and to a /boot that are mounted: likewise."""
    esp = Disk(tmp_path / "esp.raw", 300 * MIB)
    system = make_system(disks=[esp], firmware="uefi", boots_disk=True)
    machine, data = system.machine, system.workload.disk
    subprocess.run([artifacts.tools() / "kjump", "format", "--force", system.image.path], check=True,
                   stdout=subprocess.DEVNULL)
    make_grub(esp.path, data.path, f"{Machine.PARAMETERS} {system.parameter}")
    machine.boot(timeout=120)
    machine.run(f"mkdir /run/esp; mount -t vfat {machine.device(esp)} /run/esp")
    system.configure(f"UUID={system.uuid()}")
    system.workload.start(memory=8, cache=4)
    job = system.hibernate()
    before = boots_counted(esp.path, data.path)
    mark = machine.boot(ready=False)
    system.wait_for_a(mark, 180)
    assert job.wait() == 0, job.output()
    assert boots_counted(esp.path, data.path) == [count + 1 for count in before]
    system.workload.check()
    machine.run("umount /run/esp")
    system.workload.finish()


@pytest.fixture
def network_disk(tmp_path):
    """Port of a server of a network block device with a file system."""
    path = tmp_path / "network.raw"
    with open(path, "wb") as file:
        file.truncate(128 * MIB)
    subprocess.run(["mkfs.ext4", "-q", str(path)], check=True, env=host_path())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(["qemu-nbd", "-f", "raw", "--persistent", "-b", "127.0.0.1", "-p",
                               str(port), str(path)])
    yield port
    server.terminate()
    server.wait()


@pytest.mark.full
@pytest.mark.kexec_jump
def test_network_disk(make_system, network_disk):
    """Mounted or as a target: named before the jump, with what to do."""
    network = ["-netdev", "user,id=network", "-device", "virtio-net-pci,netdev=network"]
    system = make_system(programs=("nbd-client",), extra=network)
    machine = system.machine
    system.boot(memory=8, cache=4)
    machine.run("ip link set lo up; ip link set eth0 up; ip address add 10.0.2.15/24 dev eth0; "
                f"/bin/nbd-client 10.0.2.2 {network_disk} /dev/nbd0; "
                "mkdir /run/far; mount -t ext4 /dev/nbd0 /run/far; echo far > /run/far/file; sync")
    obstacle = "a network block device (nbd), which kernel B does not have"
    where = f"/run/far (ext4 on /dev/nbd0): {obstacle}"
    status, text = machine.call("kjump check")
    assert status == 1
    assert re.search(rf"problem  changes of disks.*{re.escape(where)}.*\n.*unmount it", text), text
    status, text = machine.call("kjump hibernate")
    assert status == 1
    assert where in text and text.count("\n") == 1, text
    # For a checkpoint nobody has to notice anything; and whoever knows better may allow it.
    system.checkpoint()
    machine.run("grep -qx far /run/far/file; echo more > /run/far/more; sync")
    machine.run("echo allow_unwatched = /run/far >> /etc/kjump.conf")
    assert f"{where}; allowed" in machine.call("kjump check")[1]

    boots = system.b_boots()
    machine.run("umount /run/far; kjump format --force /dev/nbd0")
    system.configure("/dev/nbd0")
    status, text = machine.call("kjump check")
    assert status == 1
    assert re.search(rf"problem  layers below the target.*{re.escape(obstacle)}.*\n.*take a disk",
                     text), text
    for command in ("checkpoint", "hibernate"):
        status, text = machine.call(f"kjump {command}")
        assert status == 1
        assert obstacle in text and text.count("\n") == 1, text
    assert system.b_boots() == boots
    system.workload.finish()
