# SPDX-License-Identifier: GPL-2.0-or-later
"""A Debian on a disk, with its own kernel, initramfs and boot loader, reached by SSH."""

import os
import re
import subprocess
import time
from pathlib import Path

import artifacts
from machine import PATIENCE, Disk, Machine, MachineError

HERE = Path(__file__).resolve().parent
ADDRESS = "192.0.2.2"  # tests/system/run has the network, and the other end
TRIES = 5  # to reach it
PASSPHRASE = "kjump"
ROOT_PROMPTS = "Please unlock disk|Please enter passphrase for"
BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


def copy(disk, to):
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", disk, to], check=True)


class Server:
    def __init__(self, folder, suite, kind, tpm=False):
        self.folder, self.suite, self.kind = Path(folder), suite, kind
        self.folder.mkdir()
        self.image = artifacts.CACHE / f"image-{suite}-{kind}"  # by tests/system/image
        self.key = self.image / "key"
        self.begun = time.monotonic()
        disk = self.folder / "disk.raw"
        self.installed = self.image / "installed.raw"
        copy(self.installed if self.installed.exists() else self.image / "disk.raw", disk)
        network = ["-netdev", "tap,id=net,ifname=kjump0,script=no,downscript=no",
                   "-device", "virtio-net-pci,netdev=net,mac=52:54:00:12:34:56"]
        self.machine = Machine(self.folder / "machine", memory="1G",
                               disks=[Disk(disk, disk.stat().st_size)], extra=network,
                               accelerator=artifacts.steady_accelerator(), boots_disk=True)
        self.tpm = None
        self.tpm_state = self.folder / "tpm" if tpm else None
        if tpm:
            # A path in /tmp: a socket's path may not be longer than 107 bytes.
            self.tpm_socket = Path(f"/tmp/kjump-tpm-{os.getpid()}")
            self.tpm_state.mkdir()
            self.machine.extra += ["-chardev", f"socket,id=tpm,path={self.tpm_socket}",
                                   "-tpmdev", "emulator,id=tpm0,chardev=tpm",
                                   "-device", "tpm-tis,tpmdev=tpm0"]
            boot = self.machine.boot
            self.machine.boot = lambda *words, **more: (self.start_tpm(), boot(*words, **more))[1]
        self.saved_boot = None
        self.went_off = 0

    def say(self, text):
        """How far it is, for whoever watches a test of an hour."""
        minutes, seconds = divmod(int(time.monotonic() - self.begun), 60)
        print(f"  {minutes:3}:{seconds:02} {self.suite} {self.kind}: {text}", flush=True)

    # --- commands ---------------------------------------------------------------------------------

    @property
    def ssh(self):
        # Nothing of the caller's own settings, and nothing that gives up a machine that is off.
        return ["ssh", "-F", "none", "-i", str(self.key), "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes",
                "-o", "ConnectTimeout=20", "-o", "TCPKeepAlive=no", f"root@{ADDRESS}"]

    def call(self, command, timeout=120):
        """Run a shell command as root. Returns (status, output)."""
        for _ in range(TRIES):
            done = subprocess.run([*self.ssh, command], stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=timeout * PATIENCE)
            # Nothing has run: the server, or this machine, was too busy to begin.
            if done.returncode != 255 or "during banner exchange" not in done.stdout:
                break
        return done.returncode, done.stdout

    def run(self, command, timeout=120):
        """Run a shell command that must succeed. Returns its output, stripped."""
        status, output = self.call(command, timeout)
        if status:
            raise MachineError(f"{command}: status {status}:\n{output}")
        return output.strip()

    # --- a TPM ------------------------------------------------------------------------------------

    def start_tpm(self):
        """It lives as long as the machine is on; its state stays."""
        if not self.tpm_state:
            return
        self.stop_tpm()
        self.tpm = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.tpm_state}",
                                     "--ctrl", f"type=unixio,path={self.tpm_socket}", "--terminate"],
                                    stdin=subprocess.DEVNULL)
        while not self.tpm_socket.exists():
            assert self.tpm.poll() is None, "swtpm ended"
            time.sleep(0.05)

    def stop_tpm(self):
        if self.tpm:
            self.tpm.terminate()
            self.tpm.wait()
            self.tpm = None
            self.tpm_socket.unlink(missing_ok=True)

    def forget_tpm(self):
        """At the next boot it is another one, which has none of the keys."""
        self.tpm_state = self.folder / "other-tpm"
        self.tpm_state.mkdir()

    # --- power ------------------------------------------------------------------------------------

    def start(self):
        """Boot it, for the first time of all tests with its boot loader and kjump still to be set up."""
        if not self.installed.exists():
            self.install()
            new = self.installed.with_suffix(".new")
            copy(self.machine.disks[0].path, new)
            new.rename(self.installed)
        self.say("boot")
        self.boot()
        status, output = self.call("kjump check", 300)
        assert status == 0, f"kjump check: status {status}:\n{output}"

    def install(self):
        """What is left for the machine itself: its boot loader, and kjump's set-up. Leaves it off."""
        self.say("first boot")
        self.machine.boots_disk = False
        self.machine.kernel = self.image / "vmlinuz"
        self.machine.initramfs = self.image / "initrd"
        self.machine.boot((self.image / "words").read_text(), ready=False)
        self.wait_up()
        self.say("grub-install, kjump setup")
        # The drivers of this machine alone: an initramfs that is made and read in less time.
        self.run("echo MODULES=dep > /etc/initramfs-tools/conf.d/test", 300)
        self.run("grub-install /dev/vda && update-grub", 300)
        target = "/dev/server/images" if self.kind == "lvm" else "/dev/vda3"
        if self.kind == "luks":
            self.run("echo 'allow_plaintext = yes' >> /etc/kjump.conf")
        status, output = self.call(f"kjump setup --yes {target}", 900)
        # 1: the boot that is not yet by the boot loader, with the parameter.
        assert status in (0, 1), f"kjump setup: status {status}:\n{output}"
        self.shut_down()
        self.machine.boots_disk = True

    def boot(self):
        """Switch it on, and wait until it answers."""
        mark = self.machine.boot(ready=False)
        self.wait_up(mark)
        return mark

    def wait_up(self, mark=0, timeout=300):
        deadline = time.monotonic() + timeout * PATIENCE
        asked = False
        while True:
            said = self.machine.console(mark)
            if self.kind == "luks" and not asked and re.search(ROOT_PROMPTS, said):
                self.machine.type(f"{PASSPHRASE}\r")
                asked = True
            try:
                status, _ = self.call("true", 60)
            except subprocess.TimeoutExpired:
                status = 255
            if status == 0:
                return
            off = self.machine.qemu is None or self.machine.qemu.poll() is not None
            if off or "Kernel panic" in said or time.monotonic() > deadline:
                raise MachineError("it does not answer to SSH")
            time.sleep(1)

    def shut_down(self):
        self.call("systemctl poweroff")
        self.machine.wait_exit(300)

    def hibernate(self, verb="hibernate"):
        """As a user does it, until the machine is off."""
        self.saved_boot = self.run(BOOT_ID)
        # It returns when logind has been asked, or not before the machine is back.
        asked = subprocess.Popen([*self.ssh, f"systemctl {verb}"], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            self.machine.wait_exit(300)
        except MachineError as error:
            asked.kill()
            story = self.call("journalctl -b -o cat -u systemd-hibernate -u systemd-logind | tail -n 20; "
                              "systemctl list-jobs --no-pager")[1]
            raise MachineError(f"systemctl {verb}: {error}\n{asked.communicate()[0]}\n{story}") from None
        self.went_off = time.monotonic()
        asked.kill()
        asked.wait()

    def restore(self):
        """
        Switch it on; the system that was saved must come back. Returns for how many seconds it was away at
        least.
        """
        mark = self.machine.boot(ready=False)
        self.machine.wait_console("kjump-restore: .* jumping", 300, since=mark)
        away = time.monotonic() - self.went_off
        self.wait_up(mark)
        assert self.run(BOOT_ID) == self.saved_boot, "booted on instead of restoring"
        return away

    def checkpoint(self):
        boot = self.run(BOOT_ID)
        status, output = self.call("kjump checkpoint", 300)
        assert status == 0, f"kjump checkpoint: status {status}:\n{output}"
        assert self.run(BOOT_ID) == boot
        return output
