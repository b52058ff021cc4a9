# SPDX-License-Identifier: GPL-2.0-or-later
"""kjump in a virtual machine: the steps that the tests are made of."""

import re
import subprocess
import time
import uuid

import artifacts
from agent import AgentTimeout
from machine import PATIENCE, MachineError
from workload import Workload

# Printed once by each boot of kernel B's init; a warm B does not print it again.
B_BOOTED = "kjump: kernel B booted"

# Why a boot does not restore what ran on, or was written by another system.
CHANGED = "file system or swap area on UUID=[0-9a-f-]* changed"


class System:
    def __init__(self, machine, image_disk, data_disk):
        self.machine, self.image = machine, image_disk
        self.workload = Workload(machine, data_disk)
        self.saved_boot = None
        self.keeps_b = False

    def boot(self, workload=True, **load):
        """Boot A, claim the image disk, configure it, and start the workload."""
        self.machine.boot()
        self.format()
        self.configure(f"UUID={self.uuid()}")
        if workload:
            self.workload.start(**load)

    def format(self):
        self.machine.run(f"kjump format {self.machine.device(self.image)}")

    def configure(self, target):
        lines = [] if target is None else [f"target = {target}"]
        # Kernel B in a file takes memory here, where all files are in memory; test_kept.py has it.
        lines += [] if self.keeps_b else ["always_boot = yes"]
        lines += ["kernel = /boot/vmlinuz", "initramfs = /usr/lib/kjump/initramfs.img"]
        # A boots without the parameter, which only a boot that is to restore is given.
        lines += ["anyway = yes"]
        text = "\\n".join(lines)
        self.machine.run(f"printf '{text}\\n' > /etc/kjump.conf")

    def uuid(self):
        """UUID of the claimed disk, from the swap header that every tool knows."""
        with open(self.image.path, "rb") as file:
            file.seek(1024 + 12)
            return str(uuid.UUID(bytes=file.read(16)))

    @property
    def parameter(self):
        return f"rd.kjump.resume=UUID={self.uuid()}"

    def boot_id(self):
        return self.machine.run("cat /proc/sys/kernel/random/boot_id")

    def hibernate(self, timeout=90):
        """Hibernate until the machine is off. Returns the job, whose end comes after the restore."""
        self.saved_boot = self.boot_id()
        job = self.machine.start("kjump hibernate")
        try:
            self.machine.wait_exit(timeout, job)
        except MachineError as error:
            raise MachineError(f"{error}\nkjump: {self._job_end(job)}") from None
        return job

    def _job_end(self, job):
        try:
            return f"status {job.status()}: {job.output()}"
        except MachineError as error:
            return str(error).splitlines()[0]

    def keep(self):
        """
        What the disks hold, for put_back(): so that one image can be restored again and again,
        each time beside the file systems that it was saved with.
        """
        kept = [(disk.path, disk.path.with_suffix(".kept")) for disk in self.machine.disks]
        for path, copy in kept:
            subprocess.run(["cp", "--sparse=always", "--reflink=auto", path, copy], check=True)
        return kept, self.workload.count

    def put_back(self, kept):
        """Pull the plug, and make the disks what they were at keep()."""
        self.machine.kill()
        copies, self.workload.count = kept
        for path, copy in copies:
            subprocess.run(["cp", "--sparse=always", "--reflink=auto", copy, path], check=True)

    def restore(self, job=None, append="", timeout=90):
        """Boot with the parameter; A must come back, and its command succeed."""
        self.machine.again_when_hung(lambda: self._restore(append, timeout))
        if job:
            status = job.wait()
            assert status == 0, f"kjump hibernate: status {status}: {job.output()}"

    def _restore(self, append, timeout):
        mark = self.machine.boot(f"{self.parameter} {append}", ready=False)
        self.wait_for_a(mark, timeout)

    def wait_for_a(self, mark, timeout=90):
        """Wait until the system that was saved answers, not one that booted on."""
        deadline = time.monotonic() + timeout * PATIENCE
        while True:
            if "guest ready" in self.machine.console(mark):
                raise MachineError("booted on instead of restoring")
            self.machine.check_boot()
            try:
                boot_id = self.machine.agent.call("cat /proc/sys/kernel/random/boot_id", 3)[1]
            except AgentTimeout as error:  # C has no agent until it boots on
                if time.monotonic() > deadline or self.machine.qemu.poll() is not None:
                    raise MachineError(f"A did not come back: {error}") from None
                continue
            if boot_id.strip() != self.saved_boot:
                raise MachineError("booted on instead of restoring")
            return

    def checkpoint(self, timeout=60):
        """A checkpoint that must succeed."""
        job = self.machine.start("kjump checkpoint")
        status = job.wait(timeout)
        assert status == 0, f"status {status}: {job.output()}"

    def info(self):
        return self.machine.run(f"kjump info {self.machine.device(self.image)}")

    def pages_in_the_home(self):
        """How many pages of A's an export takes from where they were swapped to for kernel B."""
        core = self.image.path.parent / "core"
        done = subprocess.run([artifacts.tools() / "kjump", "export", self.image.path, core],
                              stdout=subprocess.PIPE, text=True, check=True)
        core.unlink()
        return int(re.search(r"home +(\d+) pages put back", done.stdout)[1])

    def boot_on(self, append=""):
        """Boot with the parameter; the boot must go on without restoring. Returns the console."""
        mark = self.machine.boot(f"{self.parameter} rd.kjump.onfail=boot {append}")
        assert self.boot_id() != self.saved_boot
        return self.machine.console(mark)

    def b_boots(self, since=0):
        return self.machine.console(since).count(B_BOOTED)
