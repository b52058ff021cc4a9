# SPDX-License-Identifier: GPL-2.0-or-later
"""
An encrypted root, and images that are sealed: hibernated, switched off, and back after one prompt or
none. With both kinds of initramfs that Debian has.
"""

import os
import re

import pytest

from server import BOOT_ID, PASSPHRASE, ROOT_PROMPTS

SUITES = os.environ.get("KJUMP_SUITES", "bookworm trixie").split()
PROMPT = "Passphrase for the saved system"
JUMP = "kjump-restore: .* jumping"

REMAKE = {
    "initramfs-tools": "update-initramfs -u",
    "dracut": "dracut --force --hostonly --add 'systemd dracut-systemd crypt lvm kjump' "
              "/boot/initrd.img-$(uname -r) $(uname -r)",
}

pytestmark = [pytest.mark.parametrize("builder", REMAKE), pytest.mark.parametrize("suite", SUITES)]


def lines_of(output, name):
    return [line for line in output.splitlines() if re.search(rf"\b{name}:", line)]


def make_key(server):
    """From a plain set-up to a sealed one."""
    server.run("sed -i '/^allow_plaintext/d' /etc/kjump.conf")
    status, output = server.call("kjump check", 300)
    assert status == 1 and "kjump key create" in output, output
    server.run(f"printf %s {PASSPHRASE} > /run/passphrase; kjump key create --key-file /run/passphrase",
               300)
    assert "no key" in " ".join(lines_of(server.call("kjump check", 300)[1], "key at boot"))


def remake(server, builder, ways):
    """Make the initramfs anew, which has the container as it is then."""
    server.say(REMAKE[builder])
    server.run(REMAKE[builder], 900)
    status, output = server.call("kjump check", 300)
    assert status == 0, output
    assert f"opened by: {ways}" in " ".join(lines_of(output, "key at boot")), output
    assert "images are sealed" in " ".join(lines_of(output, "encrypted disks")), output


def hibernate(server):
    server.run("echo before > /dev/shm/mark; systemd-run --unit test-life sleep infinity || :")
    server.hibernate()


def assert_back(server):
    """It is the same system that goes on."""
    assert server.run(BOOT_ID) == server.saved_boot, "booted on instead of restoring"
    assert server.run("cat /dev/shm/mark; systemctl is-active test-life") == "before\nactive"


def restore_with_prompt(server):
    mark = server.machine.boot(ready=False)
    server.machine.wait_console(PROMPT, 300, since=mark)
    server.machine.type("wrong\r")
    server.machine.wait_console("That did not open it. " + PROMPT, 120, since=mark)
    server.machine.type(f"{PASSPHRASE}\r")
    server.machine.wait_console(JUMP, 300, since=mark)
    said = server.machine.console(mark)
    assert said.count(PROMPT) == 2
    # Nothing of what was typed stands there.
    assert re.search(rf"{PROMPT}, or Esc: *$", said, re.MULTILINE)
    assert not re.search(ROOT_PROMPTS, said)
    server.wait_up(mark)
    assert_back(server)


def restore_without_prompt(server):
    mark = server.machine.boot(ready=False)
    server.machine.wait_console(JUMP, 300, since=mark)
    said = server.machine.console(mark)
    assert PROMPT not in said and not re.search(ROOT_PROMPTS, said)
    server.wait_up(mark)
    assert_back(server)


def damage(server):
    """One byte of the third partition's image, past everything that is looked at first."""
    path = server.machine.disks[0].path
    with open(path, "r+b") as disk:
        disk.seek(446 + 2 * 16 + 8)
        start = int.from_bytes(disk.read(4), "little") * 512
        disk.seek(start + (4 << 20) + 12345)
        byte = disk.read(1)
        disk.seek(start + (4 << 20) + 12345)
        disk.write(bytes([byte[0] ^ 1]))


def boot_on_with_one_prompt(server):
    """An image that cannot be restored: what was typed for it opens the root as well."""
    mark = server.machine.boot(ready=False)
    server.machine.wait_console(PROMPT, 300, since=mark)
    server.machine.type(f"{PASSPHRASE}\r")
    server.machine.wait_console("c: boot on without it", 300, since=mark)
    server.machine.type("c")
    # Nobody types a second time.
    server.kind = "asked already"
    server.wait_up(mark)
    server.kind = "luks"
    assert server.run(BOOT_ID) != server.saved_boot
    assert server.machine.console(mark).count(PROMPT) == 1
    assert "not restored: chunk" in server.run("kjump history | tail -n 1")


def test_sealed(make_server, suite, builder):
    server = make_server(suite, "luks", tpm=True)
    make_key(server)
    remake(server, builder, "passphrase")
    hibernate(server)
    server.say("off; with a passphrase")
    restore_with_prompt(server)
    server.say("TPM2")
    server.run("systemd-cryptenroll --unlock-key-file=/run/passphrase --tpm2-device=auto "
               "--tpm2-pcrs=7 /etc/kjump/key.luks", 300)
    # An initramfs with the container as it was is told.
    assert "before it was changed" in " ".join(
        lines_of(server.call("kjump check", 300)[1], "key at boot"))
    remake(server, builder, "passphrase, TPM2")
    hibernate(server)
    server.say("off; with the TPM")
    restore_without_prompt(server)
    server.say("a damaged image")
    # Of a machine whose TPM was replaced.
    server.forget_tpm()
    hibernate(server)
    damage(server)
    boot_on_with_one_prompt(server)
    server.shut_down()
