# SPDX-License-Identifier: GPL-2.0-or-later
"""
Debian's kernel with KEXEC_JUMP, out of a package that scripts/build-kernel made, as A, B and C: its
drivers are modules, and it has what the small test kernels leave out.
"""

import json
import re

import pytest

import artifacts
from machine import Disk, MIB

pytestmark = pytest.mark.package


@pytest.fixture
def make_package_system(make_system):
    """make_system() for a machine that boots with that kernel."""
    def make(**arguments):
        return make_system(kernel=artifacts.package() / "vmlinuz",
                           initramfs=artifacts.guest_of_package(),
                           accelerator=artifacts.steady_accelerator(), **arguments)

    return make


def test_cycle(make_package_system):
    """Checkpoints with a warm B, hibernation, power-off, restore, and all of it once more."""
    system = make_package_system()
    machine = system.machine
    system.boot()
    release = (artifacts.package() / "release").read_text().strip()
    assert machine.run("uname -r") == release
    for _ in range(2):
        system.checkpoint()
        system.workload.check()
    job = system.hibernate()
    assert system.b_boots() == 1, "B did not stay behind"
    system.restore(job)
    system.workload.check()
    assert machine.run("uname -r") == release
    system.checkpoint()
    job = system.hibernate()
    system.restore(job)
    system.workload.check()
    assert not re.search(r"BUG:|WARNING:|Oops", machine.run("dmesg"))
    print(machine.run("kjump status"))
    system.workload.finish()


def test_stock_c(make_package_system):
    """Debian's own kernel restores it: what a machine boots that has both."""
    system = make_package_system()
    system.boot()
    job = system.hibernate()
    system.machine.kernel = artifacts.stock("6.12", "cloud") / "vmlinuz"
    system.machine.initramfs = artifacts.guest_of_stock("6.12", "cloud")
    system.restore(job)
    system.workload.check()
    system.workload.finish()


def state_of(machine, check):
    _, output = machine.call("kjump check --json 2>/dev/null")
    return json.loads(output)[check]["state"]


def test_encrypted_disk(make_package_system, tmp_path):
    """No image in clear of a machine that encrypts, unless its owner says so."""
    vault = Disk(tmp_path / "vault.raw", 64 * MIB)
    system = make_package_system(disks=[vault])
    machine = system.machine
    system.boot(memory=16, cache=8)
    assert state_of(machine, "encrypted disks") == "ok"
    machine.run("echo a long sentence | DM_DISABLE_UDEV=1 cryptsetup open --type plain "
                "--cipher aes-cbc-plain64 --key-size 256 --hash sha256 "
                f"{machine.device(vault)} vault")

    # Kernel B has no keys, so the image cannot go there.
    machine.run("kjump format /dev/mapper/vault")
    status, output = machine.call("kjump hibernate --target /dev/mapper/vault")
    assert (status, output.count("\n")) == (1, 1), output
    assert "encrypted, and kernel B has no key" in output

    machine.run("mkfs.ext4 -q -F /dev/mapper/vault && mount -t ext4 /dev/mapper/vault /root")
    machine.run("dd if=/dev/urandom of=/root/file bs=1M count=8 2>/dev/null")
    sum_before = machine.run("sha256sum /root/file")

    assert state_of(machine, "encrypted disks") == "problem"
    for command in "hibernate", "checkpoint":
        status, output = machine.call(f"kjump {command}")
        assert (status, output.count("\n")) == (1, 1), output
        assert "dm-0 is encrypted" in output and "allow_plaintext" in output
    assert "empty" in machine.call(f"kjump info {machine.device(system.image)}")[1]
    assert system.b_boots() == 0

    machine.run("echo 'allow_plaintext = yes' >> /etc/kjump.conf")
    system.checkpoint()
    job = system.hibernate()
    system.restore(job)
    system.workload.check()
    machine.run("echo 3 > /proc/sys/vm/drop_caches")
    assert machine.run("sha256sum /root/file") == sum_before
    machine.run("umount /root && e2fsck -fn /dev/mapper/vault && cryptsetup close vault", 90)
    system.workload.finish()


def test_secret_memory(make_package_system):
    """What the kernel does not hibernate, kjump does not either, and says whose it is."""
    system = make_package_system()
    machine = system.machine
    system.boot(memory=8, cache=8)
    assert state_of(machine, "hibernation allowed") == "ok"
    machine.run("setsid secret > /run/secret 2>&1 & echo $! > /run/secret.pid; sleep 1; "
                "grep -qx held /run/secret")
    assert state_of(machine, "hibernation allowed") == "problem"
    for command in "hibernate", "checkpoint":
        status, output = machine.call(f"kjump {command}")
        assert (status, output.count("\n")) == (1, 1), output
        assert "secret (" in output and "memfd_secret" in output
    assert system.b_boots() == 0
    machine.run("kill $(pidof secret); sleep 1")
    system.checkpoint()
    system.workload.check()
    system.workload.finish()
