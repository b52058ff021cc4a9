# SPDX-License-Identifier: GPL-2.0-or-later
"""A virtual machine: boots the test guest in QEMU, runs commands in it, watches its console."""

import contextlib
import fcntl
import os
import re
import shutil
import socket
import subprocess
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path

import artifacts
from agent import AgentClient, AgentTimeout

OVMF_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
OVMF_VARS = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")

# Emulation on a busy host is slow; a test that hangs costs this factor, one that works nothing.
PATIENCE = float(os.environ.get("KJUMP_PATIENCE", "2"))
MIB = 1 << 20

# Without the promise of fast string instructions on bytes, for which kernel and libc choose them:
# emulated, they clear and copy memory byte by byte.
CPU = "max,-erms,-fsrm"


class MachineError(Exception):
    pass


class HungEarly(MachineError):
    """
    QEMU's timer for one CPU has stopped in a kernel that boots (its RCU notices, and the CPU sleeps
    for good), before any program has run: nothing that is tested here. To be switched off and on.
    """


@dataclass
class Disk:
    """A raw image file, made sparse when it is not there. The size tells it from the others."""
    path: Path
    size: int = 1024 * MIB
    bus: str = "virtio"
    # Sectors (first, count) at which the device fails to "read" or to "write" with EIO.
    faults: dict = field(default_factory=dict)
    serial: str = ""            # "": virtio has none
    cache: str = "writeback"    # "none": of what is written the host keeps nothing in memory

    def __post_init__(self):
        self.path = Path(self.path)
        if not self.path.exists():
            with open(self.path, "wb") as file:
                file.truncate(self.size)

    def arguments(self, number):
        drive = f"if=none,id=disk{number},cache={self.cache},{self._source()}"
        serial = f",serial={self.serial}" if self.serial else ""
        device = {
            "virtio": f"virtio-blk-pci,drive=disk{number}{serial}",
            "nvme": f"nvme,drive=disk{number},serial=disk{number}",
            # q35 has an AHCI controller of its own; port 0 is taken by nothing with -nodefaults.
            "ahci": f"ide-hd,drive=disk{number},bus=ide.{number}",
        }[self.bus]
        return ["-drive", drive, "-device", device]


    def _source(self):
        if not self.faults:
            return f"file={self.path},format=raw"
        words = ["driver=raw", "file.driver=blkdebug", "file.image.driver=file",
                 f"file.image.filename={self.path}"]
        bad = [(kind, first + i) for kind, (first, count) in self.faults.items()
               for i in range(count)]
        for number, (kind, sector) in enumerate(bad):
            rule = f"file.inject-error.{number}"
            words.append(f"{rule}.event=none,{rule}.iotype={kind},{rule}.sector={sector},"
                         f"{rule}.errno=5,{rule}.once=off")
        return ",".join(words)


class Job:
    """A command in the guest that was started in the background."""

    def __init__(self, machine, name):
        self.machine, self.name = machine, name

    def status(self):
        """Exit status, or None while it runs."""
        text = self.machine.run(f"cat /run/jobs/{self.name}.status 2>/dev/null; :")
        return int(text) if text.strip() else None

    def has_ended(self):
        """Is it known to have ended? False when the machine does not answer at once."""
        try:
            code, _ = self.machine.agent.call(f"test -e /run/jobs/{self.name}.status", 1)
        except AgentTimeout:
            return False
        return code == 0

    def output(self):
        return self.machine.run(f"cat /run/jobs/{self.name}.output")

    def wait(self, timeout=60):
        """Wait for the end. Returns the exit status."""
        deadline = time.monotonic() + timeout * PATIENCE
        while time.monotonic() < deadline:
            status = self.status()
            if status is not None:
                return status
            time.sleep(0.3)
        raise MachineError(f"{self.name} did not end within {timeout * PATIENCE:.0f} s:\n"
                           f"{self.output()}")


class Machine:
    def __init__(self, folder, memory="768M", cpus=2, cpu=CPU, firmware="bios", disks=(),
                 kernel=None, initramfs=None, append="", accelerator=None, extra=(),
                 boots_disk=False, vga="std"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.memory, self.cpus, self.cpu, self.firmware = memory, cpus, cpu, firmware
        self.disks = list(disks)
        sizes = [disk.size for disk in self.disks]
        assert len(set(sizes)) == len(sizes), "disks are told apart by their size"
        self.kernel, self.initramfs = kernel, initramfs
        # By a boot loader of its own, whose configuration says what it boots and with what words.
        self.boots_disk = boots_disk
        self.vga = vga
        self.accelerator = accelerator or artifacts.accelerator()
        self.append, self.extra = append, list(extra)
        self.log = self.folder / "console.log"
        self.log.touch()
        self.qemu = None
        self.booted = 0     # where in the log the last boot begins
        self.jobs = 0
        # A path in /tmp: a socket's path may not be longer than 107 bytes.
        self.socket = Path(f"/tmp/kjump-e2e-{os.getpid()}-{id(self):x}")
        self.agent = AgentClient(self.socket)
        self.keyboards = {name: Path(f"{self.socket}-{name}") for name in ("serial", "monitor")}
        self.settled = firmware != "uefi"
        if firmware == "uefi":
            shutil.copy(OVMF_VARS, self.folder / "vars.fd")

    # --- power ------------------------------------------------------------------------------------

    def boot(self, append="", ready=True, timeout=60):
        """Switch the machine on; wait until the guest serves commands unless READY is False."""
        assert self.qemu is None, "the machine is on already"
        if not self.settled:
            # UEFI writes its boot entries before it first boots something, and its memory map is
            # another one from then on. No machine that is used is at its first boot.
            self.settled = True
            self.wait_console("Linux version", timeout, since=self._switch_on(append))
            self.kill()
        self.agent.disconnect()
        if not ready:
            return self._switch_on(append)
        return self.again_when_hung(lambda: self._boot_to_the_end(append, timeout))

    def again_when_hung(self, boot):
        """What BOOT, which switches the machine on, returns: once more after HungEarly."""
        try:
            return boot()
        except HungEarly as error:
            print(f"{error}: switched off and on", flush=True)
            self.kill()
            return boot()

    def _switch_on(self, append):
        self.booted = self.mark()
        with open(self.folder / "qemu.log", "ab") as log:
            self.qemu = subprocess.Popen(self._command(append), stdin=subprocess.DEVNULL,
                                         stdout=log, stderr=log)
        return self.booted

    def _boot_to_the_end(self, append, timeout):
        mark = self._switch_on(append)
        self.wait_console("^guest ready", timeout, since=mark)
        return mark

    def check_boot(self):
        """HungEarly when the boot has got stuck that way."""
        text = self.console(self.booted)
        if "detected stalls on CPUs" in text and "Run /init" not in text:
            raise HungEarly("the kernel hung before its first program")

    # no_timer_check: on a busy host emulated timer interrupts come too late for the kernel's test of
    # them, and it panics.
    PARAMETERS = "console=tty0 console=ttyS0 panic=5 no-kvmclock no_timer_check"

    def _command(self, append):
        line = f"{self.PARAMETERS} {self.append} {append}"
        command = [
            "qemu-system-x86_64", "-M", "q35", "-accel", self.accelerator,
            "-cpu", self.cpu, "-m", self.memory, "-smp", str(self.cpus),
            "-nodefaults", "-display", "none", "-vga", self.vga,
            "-chardev", f"socket,id=console,path={self.keyboards['serial']},server=on,wait=off,"
                        f"logfile={self.log},logappend=on",
            "-device", "isa-serial,chardev=console",
            "-monitor", f"unix:{self.keyboards['monitor']},server=on,wait=off",
            "-chardev", f"socket,id=agent,path={self.socket},server=on,wait=off",
            "-device", "isa-serial,chardev=agent",
            "-device", "virtio-rng-pci",
        ]
        if not self.boots_disk:
            command += ["-kernel", str(self.kernel), "-initrd", str(self.initramfs),
                        "-append", " ".join(line.split())]
        if self.firmware == "uefi":
            command += ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF_CODE}",
                        "-drive", f"if=pflash,format=raw,file={self.folder / 'vars.fd'}"]
        for number, disk in enumerate(self.disks):
            command += disk.arguments(number)
        return command + self.extra

    def wait_exit(self, timeout=60, job=None):
        """
        Wait until the machine has powered itself off. A kernel that panics ends the wait, and so
        does the end of JOB, the command that should have switched it off.
        """
        mark = self.mark()
        deadline = time.monotonic() + timeout * PATIENCE
        while (status := self._wait_off(0.5)) is None:
            if panic := self.panic(mark):
                raise MachineError(f"still on: {panic}")
            if time.monotonic() > deadline:
                raise MachineError(f"still on after {timeout * PATIENCE:.0f} s")
            # Nobody answers while the machine is frozen; that is no error.
            if job and job.has_ended() and self._wait_off(1) is None:
                raise MachineError("still on: the command ended")
        self._gone()
        if status:
            raise MachineError(f"QEMU failed with status {status}: "
                               f"{(self.folder / 'qemu.log').read_text()}")

    def _wait_off(self, seconds):
        """Exit status of QEMU, or None when it is on after SECONDS."""
        try:
            return self.qemu.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def ended(self, seconds):
        """Does the machine power itself off within SECONDS?"""
        return self._wait_off(seconds) is not None

    def power_off(self):
        self.run("(sleep 1; poweroff -f) > /dev/null 2>&1 &")
        self.wait_exit()

    def kill(self):
        """Pull the plug."""
        if self.qemu:
            self.qemu.kill()
            self.qemu.wait()
            self._gone()

    def _gone(self):
        self.qemu = None
        self.agent.disconnect()
        for path in (self.socket, *self.keyboards.values()):
            path.unlink(missing_ok=True)

    # --- commands ---------------------------------------------------------------------------------

    def call(self, command, timeout=60):
        """Run a shell command in the guest. Returns (status, output)."""
        try:
            return self.agent.call(command, timeout * PATIENCE)
        except AgentTimeout as timeout_error:
            raise MachineError(str(timeout_error)) from None

    def run(self, command, timeout=60):
        """Run a shell command that must succeed in the guest. Returns its output, stripped."""
        status, output = self.call(command, timeout)
        if status:
            raise MachineError(f"{command}: status {status}:\n{output}")
        return output.strip()

    def start(self, command):
        """Start a command that may stop or restart the world. Returns a Job."""
        self.jobs += 1
        name = f"{self.jobs}"
        # The pause lets the agent's answer leave the machine before anything freezes.
        self.run(f"setsid sh -c 'sleep 0.5; ( {command} ) > /run/jobs/{name}.output 2>&1; "
                 f"echo $? > /run/jobs/{name}.new; mv /run/jobs/{name}.new "
                 f"/run/jobs/{name}.status' > /dev/null 2>&1 &")
        return Job(self, name)

    def device(self, disk):
        """Path of a disk's device in the guest."""
        name = self.run(f"cd /sys/class/block; grep -lx {disk.size // 512} */size")
        assert "\n" not in name, name
        return f"/dev/{name.split('/')[0]}"

    # --- keys -------------------------------------------------------------------------------------

    def type(self, text):
        """Type at the serial console."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.keyboards["serial"]))
            line.sendall(text.encode())
            line.setblocking(False)
            # QEMU drops what it has not read yet when it sees that the line was closed.
            while fcntl.ioctl(line, termios.TIOCOUTQ, bytes(4)) != bytes(4):
                with contextlib.suppress(BlockingIOError):
                    line.recv(65536)
                time.sleep(0.02)

    def press(self, key):
        """Press a key of the keyboard, as QEMU's sendkey calls it."""
        self.monitor(f"sendkey {key}")

    def monitor(self, command):
        """A command of QEMU's monitor, done when this returns what that says."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.keyboards["monitor"]))
            monitor.sendall(f"{command}\n".encode())
            monitor.settimeout(5 * PATIENCE)
            seen = b""
            while seen.count(b"(qemu)") < 2:
                seen += monitor.recv(4096)
        return seen.decode()

    # --- console ----------------------------------------------------------------------------------

    def mark(self):
        """A place in the console log, for `since`."""
        return self.log.stat().st_size

    def console(self, since=0):
        with open(self.log, "rb") as file:
            file.seek(since)
            return file.read().decode(errors="replace").replace("\r", "")

    def panic(self, since):
        """What the console says of a kernel that panicked behind the mark, or None."""
        lines = self.console(since).splitlines()
        where = next((i for i, line in enumerate(lines) if "Kernel panic" in line), None)
        if where is None:
            return None
        shown = "\n".join("    " + line for line in lines[max(0, where - 30):where + 30])
        return f"the kernel panicked:\n{shown}"

    def tail(self, lines=60):
        """The end of the console log, for whoever reports a failure."""
        shown = "\n".join("    " + line for line in self.console().splitlines()[-lines:])
        return f"end of {self.log}:\n{shown}"

    def wait_console(self, pattern, timeout=60, since=0):
        """Wait until the console shows PATTERN behind the mark. Returns the match."""
        deadline = time.monotonic() + timeout * PATIENCE
        while True:
            on = self.qemu is not None and self.qemu.poll() is None
            text = self.console(since)
            match = re.search(pattern, text, re.MULTILINE)
            if match:
                return match
            self.check_boot()
            cause = (f"{timeout * PATIENCE:.0f} s passed" if time.monotonic() > deadline else
                     "the machine is off" if not on else
                     self.panic(since))
            if cause:
                raise MachineError(f"console: {pattern!r} not seen, {cause}")
            time.sleep(0.1)
