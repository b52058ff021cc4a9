# SPDX-License-Identifier: GPL-2.0-or-later
"""Sealed images: restored with the key alone, and no key is found in memory afterwards."""

import json
import mmap

import pytest

from pair import Pair
from ways import kexec_jump


class Sealed(Pair):
    """A pair of keys, and what of them is in a system's memory."""

    def __init__(self, system, folder):
        super().__init__(folder)
        self.system = system
        self.give(system.machine)

    def keys_now(self):
        return self.image_keys(self.system.image.path)

    def in_memory(self, secrets):
        """Which of these bytes are anywhere in the machine's memory, and where."""
        path = self.folder / "memory"
        size = int(self.system.machine.memory.removesuffix("M")) << 20
        self.system.machine.monitor(f'pmemsave 0 {size} "{path}"')
        found = {}
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory:
            assert len(memory) == size
            for name, secret in secrets.items():
                at = memory.find(secret)
                if at >= 0:
                    found[name] = hex(at)
        path.unlink()
        return found

    def expect_no_keys(self, *others):
        keys = {f"image {number}": key for number, key in enumerate([*self.keys_now(), *others])}
        assert keys
        keys["restore key"] = self.restore_key[16:48]
        assert not self.in_memory(keys)


def test_sealed_cycle(make_system, tmp_path):
    """Checkpoint, hibernation and restore with the key; then no key is in A's memory, kernel B's and what kernel C has left
    included."""
    system = make_system(memory="512M")
    machine = system.machine
    system.boot(memory=16, cache=8)
    sealed = Sealed(system, tmp_path / "keys")
    # What this looks for is found where it is.
    machine.run("echo canary-$((6 * 7))-of-the-test > /run/canary")
    assert sealed.in_memory({"canary": b"canary-42-of-the-test"})

    system.checkpoint()
    first = sealed.keys_now()
    assert len(first) == 1
    sealed.expect_no_keys()
    system.checkpoint()     # built on a sealed one
    sealed.expect_no_keys()
    images = json.loads(machine.run(f"kjump list --json {machine.device(system.image)}"))
    assert all(image["sealed"] for image in images.values())
    assert images[max(images, key=int)]["reused_pages"] > 0
    # The sender's key of this system opens them.
    assert "index, chunks" in machine.run(f"kjump verify {machine.device(system.image)}")

    job = system.hibernate()
    system.restore(job, sealed.parameter)
    sealed.expect_no_keys(*first)
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
def test_sealed_refusals(make_system, tmp_path):
    """Without its key a sealed image stays; with a key one in clear does, unless it is allowed."""
    system = make_system(memory="512M")
    machine = system.machine
    system.boot(memory=8, cache=4)
    sealed = Sealed(system, tmp_path / "keys")
    job = system.hibernate()
    kept = system.keep()
    assert "sealed, and no key was given; image left valid" in system.boot_on()
    system.put_back(kept)
    other = Pair(tmp_path / "other")
    assert "wrong key: the image is sealed for another restore key" in \
        system.boot_on(other.parameter)
    system.put_back(kept)
    system.restore(job, sealed.parameter)
    system.workload.check()

    machine.run("rm /etc/kjump/sender.key")
    system.hibernate()
    assert "the image is not sealed, and those of this system are" in \
        system.boot_on(sealed.parameter)


@pytest.mark.full
@kexec_jump
def test_older_image(make_system, tmp_path):
    """With EFI an image that somebody put back, and all disks with it, is known to be an older one."""
    system = make_system(memory="512M", firmware="uefi")
    system.boot(memory=8, cache=4)
    # As systemd has it.
    system.machine.run("mount -t efivarfs efivarfs /sys/firmware/efi/efivars")
    sealed = Sealed(system, tmp_path / "keys")
    job = system.hibernate()
    kept = system.keep()
    system.restore(job, sealed.parameter)
    system.workload.check()
    system.hibernate()
    system.put_back(kept)
    assert "the image is not the last one that was made" in system.boot_on(sealed.parameter)
    system.put_back(kept)
    system.restore(append=f"{sealed.parameter} rd.kjump.force=older")
    system.workload.check()
    system.workload.finish()
