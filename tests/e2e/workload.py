# SPDX-License-Identifier: GPL-2.0-or-later
"""Something in the guest that shows whether it is still the same system, whole and working."""

import os
import subprocess
import time

# A process whose memory (the count), open file and place in the scheduler must survive: the log on
# the disk holds every number exactly once when nothing was lost and nothing happened twice.
COUNTER = """
echo $$ > /run/counter.pid
exec 5>> /mnt/count.log
count=0
while :; do
    count=$((count + 1))
    echo $count >&5
    echo $count > /run/count.new
    mv /run/count.new /run/count
    sleep 0.1
done
"""


def make_file_system(path):
    """An ext4 file system on a disk image, made on the host."""
    subprocess.run(["mkfs.ext4", "-q", "-F", str(path)], check=True, env=host_path())


def check_file_system(path):
    """The file system on a disk image is clean and consistent."""
    done = subprocess.run(["e2fsck", "-f", "-n", str(path)], env=host_path(), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    assert "skipping journal recovery" not in done.stdout, done.stdout


def host_path():
    return {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}


def free_memory(machine):
    """MiB of memory that holds nothing, with what all CPUs but the first one keep at hand of it."""
    return int(machine.run("""
        awk '/MemFree/ { kib = $2 } /cpu:/ { cpu = $2 } cpu && /count:/ { kib += 4 * $2 }
             END { print int(kib / 1024) }' /proc/meminfo /proc/zoneinfo"""))


class Workload:
    def __init__(self, machine, disk):
        self.machine, self.disk = machine, disk

    def start(self, memory=16, cache=8, device=None):
        """
        MEMORY and CACHE are MiB of random bytes in a tmpfs and in a mounted ext4's page cache. The
        ext4 is that of the disk unless it is on another DEVICE.
        """
        run = self.machine.run
        run(f"mount -t ext4 {device or self.machine.device(self.disk)} /mnt")
        run("mkdir -p /run/memory && mount -t tmpfs -o size=90% tmpfs /run/memory")
        run(f"dd if=/dev/urandom of=/run/memory/data bs=1M count={memory} 2>/dev/null", 240)
        run(f"dd if=/dev/urandom of=/mnt/data bs=1M count={cache} 2>/dev/null; sync", 120)
        self.sums = run("sha256sum /run/memory/data /mnt/data", 240)
        run(f"cat > /run/counter <<'END'\n{COUNTER}END\nsetsid sh /run/counter > /dev/null 2>&1 &")
        self.boot_id = run("cat /proc/sys/kernel/random/boot_id")
        self.mount = run("grep ' /mnt ' /proc/self/mountinfo")
        self.pid = self._counter_pid()
        self.count = self._count()
        # Dirty pages: on no disk yet when the machine is frozen.
        run("head -c 1000000 /dev/urandom > /mnt/dirty")
        self.dirty = run("sha256sum /mnt/dirty")

    def _counter_pid(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            status, text = self.machine.call("cat /run/counter.pid && cat /run/count")
            if status == 0:
                return text.split()[0]
            time.sleep(0.2)
        raise AssertionError("the counting process did not start")

    def _count(self):
        return int(self.machine.run("cat /run/count"))

    def check(self):
        """All of it is there and goes on."""
        run = self.machine.run
        assert run("cat /proc/sys/kernel/random/boot_id") == self.boot_id, "another boot"
        assert run("grep ' /mnt ' /proc/self/mountinfo") == self.mount
        assert run("cat /run/counter.pid") == self.pid
        assert run(f"tr '\\0' ' ' < /proc/{self.pid}/cmdline") == "sh /run/counter"
        count = self._count()
        assert count >= self.count, "the count went back"
        self.count = self._wait_count(count)
        assert run("sha256sum /run/memory/data /mnt/data", 240) == self.sums
        assert run("sha256sum /mnt/dirty") == self.dirty
        run(f"echo {self.count} > /mnt/written && sync && grep -qx {self.count} /mnt/written")
        # The head only: the counter appends while we look.
        run(f"head -n {self.count} /mnt/count.log > /run/seen; seq {self.count} | cmp - /run/seen")

    def _wait_count(self, before):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            now = self._count()
            if now > before:
                return now
            time.sleep(0.1)
        raise AssertionError(f"the process does not count any more, it stands at {before}")

    def stop(self):
        """End the process, read the data back from the disk, unmount."""
        run = self.machine.run
        run(f"kill {self.pid}; while kill -0 {self.pid} 2>/dev/null; do sleep 0.1; done")
        run("sync; echo 3 > /proc/sys/vm/drop_caches")
        assert self.sums.splitlines()[1] == run("sha256sum /mnt/data", 120)
        assert self.dirty == run("sha256sum /mnt/dirty")
        run("umount /mnt")

    def finish(self):
        """stop(), power off, and check the file system."""
        self.stop()
        self.machine.power_off()
        check_file_system(self.disk.path)
