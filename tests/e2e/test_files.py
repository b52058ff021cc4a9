# SPDX-License-Identifier: GPL-2.0-or-later
"""Images in a file of a mounted file system: written and read where its bytes lie on the device."""

import re
import subprocess

import pytest

from test_volumes import MAPPINGS, VOLUME
from ways import kexec_jump
from workload import host_path

full = pytest.mark.full

FILE = "/srv/kjump.img"
# How each is made on the host, and looked at in the end.
KINDS = {
    "ext4": ("mkfs.ext4 -q -F -b 4096", "e2fsck -f -n"),
    "xfs": ("mkfs.xfs -q -f", "xfs_repair -n"),
    "btrfs": ("mkfs.btrfs -q -f", "btrfs check --check-data-csum"),
    "vfat": ("mkfs.vfat -F 32 -s 8", "fsck.vfat -n"),
}
SIZE = 200

# Room in pieces of 32 MiB with neighbours on all sides, and no room in one piece for all of the file.
FRAGMENTS = """
mkdir -p /srv && mount -t {kind} {device} /srv &&
for i in $(seq 28); do
    fallocate -l {gap}M /srv/gap$i || head -c {gap}m /dev/zero > /srv/gap$i
    head -c 100k /dev/urandom > /srv/old$i; sync
done
rm /srv/gap*; sync
cat /srv/old* | sha256sum > /run/neighbours
"""


def make_on_host(disk, kind):
    command = KINDS[kind][0].split()
    subprocess.run([*command, str(disk.path)], check=True, env=host_path(), stdout=subprocess.DEVNULL,
                   stderr=subprocess.STDOUT)


def check_on_host(disk, kind):
    if kind == "vfat":
        # A system that was given up had it mounted, which vfat notes; there must be no other complaint.
        done = subprocess.run(["fsck.vfat", "-a", str(disk.path)], env=host_path(), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        known = ("fsck.fat", "There are differences between boot sector and its backup",
                 "This is mostly harmless", "  65:01/00", "  Not automatically fixing",
                 "Dirty bit is set", " Automatically removing dirty bit", "*** Filesystem was changed",
                 "Writing changes", str(disk.path))
        other = [line for line in done.stdout.splitlines() if line and not line.startswith(known)]
        assert not other, done.stdout
    done = subprocess.run([*KINDS[kind][1].split(), str(disk.path)], env=host_path(), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def mount(machine, device, kind, gap=32):
    machine.run(FRAGMENTS.format(device=device, kind=kind, gap=gap), 240)


def claim(machine):
    """A claimed file among others. Returns the parameter that names it."""
    output = machine.run(f"kjump format --file {FILE} --size {SIZE}M", 120)
    return re.search(r"rd\.kjump\.resume=UUID=[0-9a-fA-F-]+@[0-9]+$", output).group()


def sum_of_neighbours(machine):
    return machine.run("echo 3 > /proc/sys/vm/drop_caches; cat /srv/old* | sha256sum")


def configure(system, target, kind):
    system.configure(target)
    assert re.search(rf"ok +target: {FILE}, .* \({kind}\)", system.machine.call("kjump check")[1],
                     re.I)
    system.workload.start(memory=16, cache=4)


def cycle(system, parameter):
    """Hibernate, restore, and look at everything."""
    machine = system.machine
    expected = sum_of_neighbours(machine)
    job = system.hibernate()
    mark = machine.boot(parameter, ready=False)
    system.wait_for_a(mark)
    assert job.wait() == 0, job.output()
    system.workload.check()
    assert sum_of_neighbours(machine) == expected
    machine.run(f"kjump verify {FILE}")
    assert "restored" in machine.run(f"kjump info {FILE}")


def boot_on(system, kind, parameter, device):
    """Hibernate, and restore nothing: the image is stale, and all files are whole."""
    machine = system.machine
    expected = sum_of_neighbours(machine)
    system.hibernate()
    machine.boot(f"{parameter} rd.kjump=0")
    assert system.boot_id() != system.saved_boot
    machine.run(f"mkdir /srv; mount -t {kind} {device} /srv")
    assert "restoring was switched off" in machine.run(f"kjump info {FILE}")
    assert sum_of_neighbours(machine) == expected


def finish(system, kind):
    system.machine.run("umount /srv")
    system.machine.power_off()
    check_on_host(system.image, kind)


@full
def test_ext4(make_system):
    system = make_system()
    machine = system.machine
    make_on_host(system.image, "ext4")
    machine.boot()
    device = machine.device(system.image)
    mount(machine, device, "ext4")

    # Where no device is free, setup offers files.
    output = machine.call("kjump setup < /dev/null")[1]
    assert re.search(rf"--file {FILE} \(to be made, .* of .* free on {device}, ext4\)", output), output
    parameter = claim(machine)

    # What has no stable places is refused with the reason, and leaves nothing.
    status, output = machine.call("kjump format --file /run/file --size 20M")
    assert status == 1 and "/run/file: lies on tmpfs, which is memory" in output, output
    machine.run("test ! -e /run/file")

    output = machine.call("kjump setup < /dev/null")[1]
    assert f"--file {FILE} (claimed by kjump)" in output, output

    # Nobody jumps for a copy, which may be changed, and lies elsewhere.
    configure(system, FILE, "ext4")
    machine.run(f"head -c 30m {FILE} > /srv/copy; sync")
    status, output = machine.call("kjump checkpoint --target /srv/copy")
    assert status == 1 and "is not immutable" in output, output
    assert system.b_boots() == 0
    machine.run("rm /srv/copy; sync")

    cycle(system, parameter)
    machine.run(f"kjump discard {FILE}")
    assert machine.call(f"kjump info {FILE}")[0] == 3
    finish(system, "ext4")


@full
@kexec_jump
@pytest.mark.parametrize("kind", KINDS)
def test_kinds(make_system, kind):
    """The target by the name that a boot has for it, one cycle after the other, then none."""
    system = make_system()
    machine = system.machine
    make_on_host(system.image, kind)
    machine.boot()
    device = machine.device(system.image)
    # vfat makes room by writing.
    mount(machine, device, kind, gap=8 if kind == "vfat" else 24)
    parameter = claim(machine)
    configure(system, parameter.split("=", 1)[1], kind)
    cycle(system, parameter)
    system.checkpoint()
    assert "checkpoint" in machine.run(f"kjump info {FILE}")
    cycle(system, parameter)
    boot_on(system, kind, parameter, device)
    if kind == "ext4":
        check_parameters(system, parameter, device)
    finish(system, kind)


def check_parameters(system, parameter, device):
    """The parameter and the target are the same file: neither its device alone, nor another place."""
    machine = system.machine
    device_alone, place = parameter.split("@")
    for given, result in ((parameter, "ok"), (device_alone, "problem"),
                          (f"{device_alone}@{int(place) + 4096}", "problem")):
        machine.run("umount /srv")
        machine.power_off()
        machine.boot(f"{given} rd.kjump.onfail=boot")
        machine.run(f"mkdir /srv; mount -t ext4 {device} /srv")
        system.configure(FILE)
        output = machine.call("kjump check")[1]
        assert re.search(rf"{result} +boot parameter", output), output


@full
@kexec_jump
def test_volume(make_system):
    """On a file system on a volume in two pieces: B follows the file through both of them."""
    system = make_system(programs=("dmsetup",), modules=MAPPINGS)
    machine = system.machine
    # For its UUID, by which B finds the disk; what it holds lies where the volume does not.
    make_on_host(system.image, "ext4")
    machine.boot(f"test.volume={VOLUME}")
    machine.run("mkfs.ext4 -q -b 4096 /dev/dm-0")
    mount(machine, "/dev/dm-0", "ext4", gap=13)
    parameter = claim(machine)
    append = f"{parameter} test.volume={VOLUME}"
    configure(system, FILE, "ext4")
    cycle(system, append)
    boot_on(system, "ext4", append, "/dev/dm-0")
    machine.run("umount /srv; e2fsck -f -n /dev/dm-0")
    machine.power_off()


@full
@kexec_jump
def test_refused(make_system):
    """What kernel B could not write to, each with its reason, before anything is made."""
    system = make_system(programs=("dmsetup", "chattr"), modules=(*MAPPINGS, "loop"))
    machine = system.machine
    machine.boot()
    disk = machine.device(system.image)
    sectors = 400 * 2048
    machine.run(f"dmsetup create --noudevsync vault --table '0 {sectors} crypt aes-xts-plain64 "
                f"{'5a' * 64} 0 {disk} 0'; dmsetup create --noudevsync plain --table "
                f"'0 {sectors} linear {disk} {sectors}'; mkfs.ext4 -q -b 4096 /dev/dm-0; "
                "mkfs.ext4 -q -b 4096 /dev/dm-1; mkdir /srv /run/vault /run/loop; "
                "mount -t ext4 /dev/dm-0 /run/vault; mount -t ext4 /dev/dm-1 /srv; "
                "truncate -s 100M /srv/disk; mkfs.ext4 -q -b 4096 /srv/disk; "
                "mount -t ext4 -o loop /srv/disk /run/loop")
    for path, reason in (("/run/vault/file", "dm-0: encrypted, and kernel B has no key"),
                         ("/run/loop/file", "a loop device, which kernel B does not have"),
                         ("/srv/nowhere/file", "No such file"),
                         # Two pieces of one disk need a name for it, and it has none.
                         ("/srv/file", "no UUID by which kernel B could find it")):
        status, output = machine.call(f"kjump format --file {path} --size 20M")
        assert status == 1 and path in output and reason in output, output
        machine.run(f"test ! -e {path}")
    # Swap or image.
    machine.run("dd if=/dev/zero of=/srv/swap bs=1M count=20 2> /dev/null; chmod 600 /srv/swap; "
                "mkswap /srv/swap; swapon /srv/swap")
    status, output = machine.call("kjump format --file --force /srv/swap")
    assert status == 1 and "/srv/swap" in output, output
    machine.run("swapoff /srv/swap; umount /run/loop /srv /run/vault")
    machine.power_off()
