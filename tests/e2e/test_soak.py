# SPDX-License-Identifier: GPL-2.0-or-later
"""
Hibernations and checkpoints in turn, for a long time, in a machine with all that machines have: two
nodes of memory, an IOMMU in use, a balloon, huge pages, and programs that write, allocate, compile
and talk to the network.
"""

import datetime
import os
import shutil
import socket
import subprocess
import time

import pytest

from machine import Disk, MIB
from ways import kexec_jump

pytestmark = [pytest.mark.full, kexec_jump]

ROUNDS = int(os.environ.get("KJUMP_SOAK", 100))

NODES = [word for node, cpus in ((0, "0-1"), (1, "2-3")) for word in (
    "-object", f"memory-backend-ram,id=node{node},size=768M",
    "-numa", f"node,nodeid={node},cpus={cpus},memdev=node{node}")]

LOAD = """
for number in 1 2; do
    setsid sh -c "while [ ! -e /run/enough ]; do
        dd if=/dev/zero of=/mnt/writer$number bs=64k count=64 2> /dev/null
    done" > /dev/null 2>&1 &
done
setsid sh -c 'while [ ! -e /run/enough ]; do
    head -c 40000000 /dev/urandom > /run/memory/churn; rm /run/memory/churn
done' > /dev/null 2>&1 &
"""

# The same program each time, which says what it should. /run/compiled has the rounds, or what was
# wrong.
COMPILE = """
setsid sh -c 'rounds=0
while [ ! -e /run/enough ]; do
    PATH=/usr/bin chroot /cc gcc -O2 -ffreestanding -o /tmp/program /program.c > /run/compiler 2>&1 ||
        { echo "gcc: status $?: $(cat /run/compiler)" > /run/compiled; exit; }
    said=$(/cc/tmp/program 2>&1) || said="status $?: $said"
    [ "$said" = 5000000050000000 ] || { echo "program: $said" > /run/compiled; exit; }
    sum=$(sha256sum < /cc/tmp/program)
    [ "${first=$sum}" = "$sum" ] || { echo "another program: $sum" > /run/compiled; exit; }
    rounds=$((rounds + 1)); echo "fine $rounds" > /run/compiled
done' > /dev/null 2>&1 &
"""

PROGRAM = """
static unsigned long sum(unsigned long to)
{
    unsigned long ret = 0;
    for (unsigned long i = 1; i <= to; i++)
        ret += i;
    return ret;
}
extern int printf(const char *format, ...);
int main(void) { return printf("%lu\\n", sum(100000000)) < 0; }
"""


def compiler(folder):
    """A disk with this host's C compiler, for chroot."""
    root = folder / "compiler"
    for name in ("tmp", "usr/bin"):
        (root / name).mkdir(parents=True)
    inner = [subprocess.run(["gcc", f"-print-prog-name={name}"], check=True, text=True,
                            stdout=subprocess.PIPE).stdout.strip() for name in ("cc1", "collect2")]
    programs = [shutil.which(name) for name in ("gcc", "as", "ld")] + inner
    files = set(programs)
    for program in programs:
        text = subprocess.run(["ldd", program], text=True, stdout=subprocess.PIPE).stdout
        files |= {word for word in text.split() if word.startswith("/")}
    for name in ("crtbegin.o", "crtbeginS.o", "crtend.o", "crtendS.o", "libgcc.a", "libgcc_s.so",
                 "libgcc_s.so.1", "Scrt1.o", "crt1.o", "crti.o", "crtn.o", "libc.so", "libc.so.6",
                 "libc_nonshared.a", "liblto_plugin.so"):
        files.add(subprocess.run(["gcc", f"-print-file-name={name}"], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout.strip())
    for file in files:
        path = root / os.path.normpath(file).lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, path)
    (root / "program.c").write_text(PROGRAM)
    disk = Disk(folder / "compiler.raw", 131 * MIB)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-d", root, disk.path], check=True)
    return disk


PROGRAMS = ("/run/held", "/run/compiled")


class Connection:
    """A TCP connection to the guest, whose other end sends back what it gets."""

    def __init__(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = taken.getsockname()[1]
        self.socket = None

    def arguments(self):
        return ["-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{self.port}-10.0.2.15:7",
                "-device", "virtio-net-pci,netdev=net"]

    def open(self):
        deadline = time.monotonic() + 60
        while True:
            self.socket = socket.create_connection(("127.0.0.1", self.port), 30)
            try:
                return self.talk("hello")
            except (OSError, AssertionError):
                # The host's end takes every connection, and closes it when the guest does not.
                assert time.monotonic() < deadline, "nobody listens"
                time.sleep(0.5)

    def talk(self, text):
        line = f"{text}\n".encode()
        self.socket.sendall(line)
        back = b""
        while len(back) < len(line):
            more = self.socket.recv(4096)
            assert more, "the connection is gone"
            back += more
        assert back == line


def fine(machine, path):
    """Rounds that were fine, of one of the programs."""
    word, _, rounds = machine.run(f"cat {path}").partition(" ")
    assert word == "fine", f"{path}: {word} {rounds}"
    return int(rounds)


def goes_on(machine, paths):
    before = {path: fine(machine, path) for path in paths}
    deadline = time.monotonic() + 120
    while not all(fine(machine, path) > before[path] for path in paths):
        assert time.monotonic() < deadline, f"stands still: {before}"
        time.sleep(0.5)


def inflate(machine, mib):
    """The balloon takes what is beyond MIB, or gives it back."""
    machine.monitor(f"balloon {mib}")
    deadline = time.monotonic() + 120
    while f"actual={mib}" not in (said := machine.monitor("info balloon")):
        assert time.monotonic() < deadline, f"the balloon does not move to {mib}: {said}"
        time.sleep(0.2)


def start(system):
    machine = system.machine
    system.boot(memory=16, cache=16)
    assert machine.run("cat /sys/devices/system/node/online") == "0-1"
    assert machine.run("ls /sys/class/iommu | wc -l") != "0"
    machine.run("ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; "
                "setsid nc -ll -p 7 -e cat > /dev/null 2>&1 &")
    machine.run("echo 24 > /proc/sys/vm/nr_hugepages; "
                "setsid held 16 /run/held > /dev/null 2>&1 &")
    machine.run(f"mkdir -p /cc; mount -t ext4 {machine.device(system.compiler)} /cc")
    machine.run(LOAD + COMPILE)
    machine.run("for i in $(seq 600); do [ -s /run/held ] && [ -s /run/compiled ] && exit; "
                "sleep 0.1; done; cat /run/compiler; exit 1", 90)
    goes_on(machine, PROGRAMS)


@pytest.mark.parametrize("cpu, iommu", [("max", "amd-iommu"),
                                        ("max,vendor=GenuineIntel", "intel-iommu")],
                         ids=["amd", "intel"])
def test_soak(make_system, tmp_path, cpu, iommu):
    connection = Connection()
    extra = NODES + ["-device", iommu, "-device", "virtio-balloon-pci"] + connection.arguments()
    disk = compiler(tmp_path)
    # NVMe: what QEMU's virtio devices do does not pass through the IOMMU.
    system = make_system(memory="1536M", cpus=4, cpu=cpu, bus="nvme", disks=[disk], extra=extra)
    system.compiler = disk
    machine = system.machine
    start(system)
    connection.open()
    for number in range(ROUNDS):
        inflate(machine, 1536 if number % 3 else 1300)
        if number % 2:
            system.checkpoint(180)
            connection.talk(f"round {number}")
        else:
            system.restore(system.hibernate(180), timeout=180)
            connection.open()
        system.workload.check()
        goes_on(machine, PROGRAMS)
        assert machine.run("cat /sys/devices/system/cpu/online") == "0-3"
        print(f"round {number + 1} of {ROUNDS}", flush=True)
    machine.run("echo > /run/enough; killall held; for i in $(seq 600); do "
                "umount /cc 2> /dev/null && exit; sleep 0.1; done; umount /cc", 90)
    system.workload.finish()


def test_three_days_later(make_system):
    """The wall clock is what the machine's clock says; for programs no time has passed."""
    system = make_system()
    machine = system.machine
    system.boot(memory=8, cache=4)
    machine.run("setsid sh -c 'sleep 3000; echo > /run/over' > /dev/null 2>&1 &")
    # Not the time that the machine sleeps, unlike /proc/uptime.
    monotonic = "awk '/now at/ { print int($3 / 1000000000); exit }' /proc/timer_list"
    before = int(machine.run(monotonic))
    job = system.hibernate()
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)
    machine.extra += ["-rtc", f"base={later:%Y-%m-%dT%H:%M:%S}"]
    system.restore(job)
    off = int(machine.run("date +%s")) - time.time()
    assert abs(off - 3 * 86400) < 30, f"{off} s off"
    assert int(machine.run(monotonic)) - before < 60
    assert machine.call("test -e /run/over")[0] == 1
    system.workload.check()
    system.workload.finish()
