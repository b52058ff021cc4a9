# SPDX-License-Identifier: GPL-2.0-or-later
"""What is watched of a file system changes when the kernel mounts or writes it."""

import re
import subprocess

from machine import Disk, MIB
from workload import host_path

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
umount /mnt; look; seen unmounted
mount -t {type} {device} /mnt; echo > /mnt/more; umount /mnt; look; seen "mounted again"
! grep unjudged /run/now
"""


def test_every_write_is_seen(make_machine, built, tmp_path):
    disks = {}
    for kind, command in MAKE.items():
        disks[kind] = Disk(tmp_path / f"{kind}.raw", 600 * MIB)
        subprocess.run([*command.split(), str(disks[kind].path)], check=True, env=host_path(),
                       stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    machine = make_machine(disks=list(disks.values()))
    machine.boot()
    for kind, disk in disks.items():
        output = machine.run(SCRIPT.format(device=machine.device(disk), type=kind, rounds=ROUNDS),
                             120)
        assert output == "", f"{kind}: {output}"
    machine.power_off()


def superblocks(disk, blocks=None):
    """Both copies of a claimed disk's superblock; or put them there."""
    with open(disk.path, "r+b") as file:
        found = []
        for number, place in enumerate((0, 524288)):
            file.seek(place)
            if blocks:
                file.write(blocks[number])
            else:
                found.append(file.read(4096))
        return found


def test_run_on_is_seen(make_system):
    """An A that ran on for a moment after it was restored is not restored a second time."""
    system = make_system()
    machine = system.machine
    system.boot(memory=8, cache=4)
    job = system.hibernate()
    waiting = superblocks(system.image)
    system.restore(job)
    machine.run("echo once more > /mnt/file; sync")
    machine.kill()
    superblocks(system.image, waiting)
    assert re.search("file system or swap area on UUID=[0-9a-f-]* changed", system.boot_on())
    machine.power_off()


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
    assert re.search("file system or swap area on UUID=[0-9a-f-]* changed", system.boot_on())
    machine.power_off()
