# SPDX-License-Identifier: GPL-2.0-or-later
"""Images on volumes: B writes to where their bytes lie, C restores once they are assembled."""

import pytest

import artifacts
from machine import Disk, MIB
from ways import kexec_jump
from workload import make_file_system

full = pytest.mark.full

MIB_SECTORS = 2048
DISK = "/dev/vda"

# With what its cipher needs.
MAPPINGS = ("dm_mod", "dm_flakey", "dm_crypt", "xts", "aes_generic")

# A volume in two pieces, the first of them behind the second on the disk.
VOLUME = (f"0,{200 * MIB_SECTORS},linear,{DISK},{500 * MIB_SECTORS};"
          f"{200 * MIB_SECTORS},{256 * MIB_SECTORS},linear,{DISK},{16 * MIB_SECTORS}")


def test_mapping(make_system):
    system = make_system(programs=("dmsetup",), modules=MAPPINGS)
    machine = system.machine
    # For its UUID, by which B finds the disk.
    make_file_system(system.image.path)
    machine.boot(f"test.volume={VOLUME}")
    assert machine.device(system.image) == DISK
    # What nobody recognises is kept as well.
    machine.run("echo text > /dev/dm-0")
    assert "holds data" in machine.call("kjump format /dev/dm-0")[1]
    machine.run("kjump format --force /dev/dm-0")
    system.configure("/dev/dm-0")
    system.workload.start(memory=16, cache=4)

    # What B could not write to is refused before the jump.
    for table, reason in ((f"flakey {DISK} {800 * MIB_SECTORS} 1 0", "dm-1: flakey mapping"),
                          (f"crypt aes-xts-plain64 {'5a' * 64} 0 {DISK} {800 * MIB_SECTORS}",
                           "dm-1: encrypted, and kernel B has no key")):
        machine.run(f"dmsetup create --noudevsync odd --table '0 {64 * MIB_SECTORS} {table}'")
        machine.run("kjump format --force /dev/dm-1")
        status, output = machine.call("kjump checkpoint --target /dev/dm-1")
        assert status == 1 and reason in output, output
        machine.run("dmsetup remove --noudevsync odd")
    assert system.b_boots() == 0

    # A file system whose changes C could not see is refused as well, unless that is allowed.
    machine.run(f"dmsetup create --noudevsync odd --table '0 {64 * MIB_SECTORS} striped 2 128 "
                f"{DISK} {800 * MIB_SECTORS} {DISK} {900 * MIB_SECTORS}'; "
                "mkfs.ext4 -q /dev/dm-1; mkdir /run/odd; mount -t ext4 /dev/dm-1 /run/odd")
    status, output = machine.call("kjump hibernate")
    assert status == 1 and "/run/odd (ext4 on /dev/dm-1): dm-1: striped mapping" in output, output
    assert "problem  changes of disks: /run/odd" in machine.call("kjump check")[1]
    machine.run("echo 'allow_unwatched = /other /run/odd' >> /etc/kjump.conf")
    assert "warning  changes of disks: /run/odd" in machine.call("kjump check")[1]
    machine.run("umount /run/odd; dmsetup remove --noudevsync odd")
    assert system.b_boots() == 0

    job = system.hibernate()
    mark = machine.boot(f"rd.kjump.resume=/dev/dm-0 test.volume={VOLUME}", ready=False)
    system.wait_for_a(mark)
    assert job.wait() == 0, job.output()
    system.workload.check()
    assert "restored" in machine.run("kjump info /dev/dm-0")
    system.workload.finish()


LVM = ("set -e; pvcreate -q -y {0}; vgcreate -q images {0}; lvcreate -q -y -n other -L 100M images; "
       "lvcreate -q -y -n image -L 400M images; lvremove -q -y images/other; "
       # More than there is in one piece.
       "lvextend -q -L +600M images/image")


@full
@kexec_jump
@pytest.mark.parametrize("init, by_path", [
    ("plain", False), ("systemd", True), ("initramfs-tools", False)])
def test_lvm(make_debian, init, by_path):
    """Assembled by the system's own tools, in A and in the initramfs: restored, and marked."""
    if init == "initramfs-tools":
        system = make_debian(artifacts.initramfs_tools(artifacts.DEBIAN))
    else:
        system = make_debian(artifacts.dracut(init, artifacts.DEBIAN, more="lvm"))
    machine = system.machine
    machine.boot(timeout=120)
    machine.run(LVM.format(machine.device(system.image)))
    assert len(machine.run("lvs --noheadings --segments images/image").splitlines()) > 1
    machine.run("kjump format /dev/images/image")
    target = "/dev/images/image"
    if not by_path:
        target = machine.run("blkid -p -o export /dev/images/image | grep ^UUID=")
    system.configure(target)
    system.workload.start(memory=16, cache=8)

    # By its name it cannot be told from a disk, so that it is looked for early as well.
    parameters = f"rd.kjump.resume={target} rd.kjump.timeout={60 if by_path else 15}"
    job = system.hibernate()
    mark = machine.boot(parameters, ready=False)
    system.wait_for_a(mark, timeout=150)
    assert job.wait() == 0, job.output()
    system.workload.check()
    system.workload.stop()

    system.hibernate()
    machine.boot(f"{parameters} noresume", timeout=120)
    assert system.boot_id() != system.saved_boot
    machine.run("test -e /run/kjump-boot/settled")
    assert "restoring was switched off" in machine.run("kjump info /dev/images/image")
    machine.power_off()

    mark = machine.boot("rd.kjump.resume=/dev/images/none rd.kjump.timeout=2 rd.kjump.onfail=boot",
                        timeout=120)
    assert "not there, so a system that is saved on it cannot be restored" in machine.console(mark)
    machine.power_off()


@full
@kexec_jump
def test_lvm_with_an_initramfs_of_its_own(make_debian, tmp_path):
    """Made by the machine, for the target that is configured there: which it knows to be a volume."""
    system = make_debian(artifacts.initramfs_tools(artifacts.DEBIAN))
    machine = system.machine
    machine.boot(timeout=120)
    machine.run(LVM.format(machine.device(system.image)))
    machine.run("kjump format /dev/images/image")
    target = machine.run("blkid -p -o export /dev/images/image | grep ^UUID=")
    system.configure(target)
    machine.run("mkinitramfs -c gzip -o /own.img 6.12-test", 180)
    machine.run("mount -o remount,ro /")
    machine.power_off()
    root = machine.disks[-1].path
    artifacts.call("debugfs", "-R", f"dump /own.img {tmp_path}/own.img", root)

    machine.initramfs = tmp_path / "own.img"
    machine.boot(timeout=120)
    system.workload.start(memory=16, cache=8)
    job = system.hibernate()
    mark = machine.boot(f"rd.kjump.resume={target}", ready=False)
    system.wait_for_a(mark, timeout=150)
    assert job.wait() == 0, job.output()
    assert "no such device" not in machine.console(mark), "looked for before it was assembled"
    system.workload.check()
    system.workload.finish()


LUKS = ("printf secret > /run/key; "
        "cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 {0} /run/key; "
        "cryptsetup open --key-file /run/key {0} {1}")


@full
@kexec_jump
def test_refused(make_debian):
    """Arrays and encrypted devices as targets, made by the system's own tools: no jump, no write."""
    system = make_debian(artifacts.dracut("systemd", artifacts.DEBIAN, hook=False))
    machine = system.machine
    machine.boot(timeout=120)
    device = machine.device(system.image)
    machine.run("set -e; " + LUKS.format(device, "secret"))
    refused(system, "/dev/mapper/secret", "encrypted, and kernel B has no key")
    machine.run(f"cryptsetup close secret; wipefs -q -a {device}; "
                f"mdadm -q --create /dev/md0 --run -l 1 -n 2 {device} missing")
    refused(system, "/dev/md0", "md0: a RAID array, which kernel B does not assemble")
    machine.run("set -e; pvcreate -q -y /dev/md0; vgcreate -q array /dev/md0; "
                "lvcreate -q -y -n image -L 300M array")
    refused(system, "/dev/array/image", "md0: a RAID array, which kernel B does not assemble")
    assert system.b_boots() == 0
    machine.power_off()


def refused(system, target, reason):
    machine = system.machine
    machine.run(f"kjump format --force {target}")
    system.configure(target)
    status, output = machine.call("kjump check")
    assert status == 1
    assert [line for line in output.splitlines()
            if line.startswith("problem  layers below the target") and reason in line], output
    for command in ("checkpoint", "hibernate"):
        status, output = machine.call(f"kjump {command}")
        assert status == 1
        assert reason in output and output.count("\n") == 1, output


@full
@kexec_jump
def test_file_systems_on_layers(make_debian, tmp_path):
    """A file system on LVM in LUKS on RAID 1, which C does not assemble to see that it is as it was."""
    second = Disk(tmp_path / "second.raw", 258 * MIB)
    system = make_debian(artifacts.dracut("systemd", artifacts.DEBIAN), disks=[second])
    machine = system.machine
    machine.boot(timeout=120)
    system.format()
    system.configure(f"UUID={system.uuid()}\\nallow_plaintext = yes")
    members = [machine.device(disk) for disk in (system.workload.disk, second)]
    machine.run("set -e; wipefs -q -a {0}; mdadm -q --create /dev/md0 --run -l 1 -n 2 {0} {1}; "
                .format(*members) + LUKS.format("/dev/md0", "secret") +
                "; pvcreate -q -y /dev/mapper/secret; vgcreate -q stack /dev/mapper/secret; "
                "lvcreate -q -y -n data -l 100%FREE stack; mkfs.ext4 -q /dev/stack/data", 120)
    system.workload.start(device="/dev/stack/data")
    job = system.hibernate()
    system.restore(job)
    system.workload.check()
    system.workload.stop()
    machine.run("e2fsck -f -n /dev/stack/data", 120)
    machine.power_off()


@full
def test_idle_snapshot(make_system, tmp_path):
    """Nobody has it mounted, and its driver keeps the exceptions in memory all the same."""
    origin, cow = Disk(tmp_path / "origin.raw", 130 * MIB), Disk(tmp_path / "cow.raw", 66 * MIB)
    make_file_system(origin.path)
    make_file_system(cow.path)
    system = make_system(disks=[origin, cow], programs=("dmsetup",),
                         modules=("dm_mod", "dm_bufio", "dm_snapshot"))
    machine = system.machine
    system.boot(memory=8, cache=4)
    for module in ("dm-bufio", "dm-snapshot"):
        machine.call(f"insmod /lib/modules/{module}.ko")
    sectors = 130 * MIB_SECTORS
    machine.run(f"dmsetup create --noudevsync real --table "
                f"'0 {sectors} linear {machine.device(origin)} 0'; "
                f"dmsetup create --noudevsync snapshot --table "
                f"'0 {sectors} snapshot /dev/dm-0 {machine.device(cow)} P 8'; "
                f"dmsetup create --noudevsync origin --table '0 {sectors} snapshot-origin /dev/dm-0'")
    reason = "an array or volume (not mounted on /dev/dm-1): its driver keeps in memory"
    assert f"problem  changes of disks: {reason}" in machine.call("kjump check")[1]
    status, output = machine.call("kjump hibernate")
    assert status == 1 and reason in output, output
    assert system.b_boots() == 0
    # The origin alone has nothing of the kind.
    machine.run("dmsetup remove --noudevsync snapshot")
    assert reason not in machine.call("kjump check")[1]


@full
def test_copy_of_a_disk(make_system, tmp_path):
    """It has the same names, so that kernel B would find neither: said before the jump."""
    copy = Disk(tmp_path / "copy.raw", 260 * MIB)
    system = make_system(disks=[copy])
    machine = system.machine
    with open(system.workload.disk.path, "rb") as original, open(copy.path, "r+b") as file:
        file.write(original.read())
    system.boot(memory=8, cache=4)
    reason = "kernel B could not tell it from"
    assert reason in machine.call("kjump check")[1]
    status, output = machine.call("kjump hibernate")
    assert status == 1 and reason in output, output
    assert system.b_boots() == 0


@full
def test_suspended(make_system, tmp_path):
    """Whoever reads from it cannot be ended, so it is named before."""
    disk = Disk(tmp_path / "mapped.raw", 70 * MIB)
    make_file_system(disk.path)
    system = make_system(disks=[disk], programs=("dmsetup",), modules=("dm_mod",))
    machine = system.machine
    system.boot(memory=8, cache=4)
    machine.run("dmsetup create --noudevsync held --table "
                f"'0 {70 * MIB_SECTORS} linear {machine.device(disk)} 0'; "
                "mkdir /run/held; mount -t ext4 /dev/dm-0 /run/held; dmsetup suspend held")
    assert ("problem  suspended devices: /dev/dm-0 (held): suspended"
            in machine.call("kjump check", 30)[1])
    status, output = machine.call("kjump checkpoint", 30)
    assert status == 1 and "/dev/dm-0 (held): suspended" in output, output
    machine.run("dmsetup resume held")
    system.checkpoint()
    system.workload.check()
