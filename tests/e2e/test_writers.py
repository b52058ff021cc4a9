# SPDX-License-Identifier: GPL-2.0-or-later
"""Checkpoints while a disk with a queue for each CPU never gets a rest from the write-back."""

import pytest

import artifacts
from ways import kexec_jump

full = pytest.mark.full

WRITERS = """
echo 1 > /proc/sys/vm/dirty_writeback_centisecs
echo 1 > /proc/sys/vm/dirty_expire_centisecs
for number in 1 2 3; do
    setsid sh -c "while [ ! -e /run/enough ]; do
        dd if=/dev/zero of=/mnt/writer$number bs=64k count=32 2>/dev/null
    done; echo > /run/ended$number" > /dev/null 2>&1 &
done
"""


def start(system):
    """Boot, and let three processes write to a disk that has a queue for each CPU."""
    machine = system.machine
    system.boot(memory=8, cache=4)
    disk = machine.device(system.workload.disk)[5:]
    assert machine.run(f"ls /sys/class/block/{disk}/mq").split() == \
        [str(i) for i in range(machine.cpus)]
    machine.run(WRITERS)


def end(system):
    """All is well, and the writers end by themselves."""
    system.workload.check()
    system.machine.run("echo > /run/enough; "
                       "until [ $(ls /run/ended* | wc -l) = 3 ]; do sleep 0.1; done")
    system.workload.finish()


@pytest.mark.parametrize("version, cpus, count", [
    ("6.12", 2, 15),
    pytest.param("6.12", 2, 60, marks=full),
    pytest.param("6.12", 4, 60, marks=full),
    pytest.param("6.1", 2, 60, marks=full),
])
def test_jumps_under_writers(make_system, version, cpus, count):
    """By the module, and straight back: what hangs does so on the way, not in kernel B."""
    system = make_system(kernel=artifacts.stock_with_module(version, "cloud") / "vmlinuz",
                         initramfs=artifacts.guest_with_module(version, "cloud"),
                         accelerator=artifacts.steady_accelerator(), cpus=cpus)
    machine = system.machine
    start(system)
    job = machine.start(f"bounce {count}")
    assert job.wait(5 * count + 30) == 0, job.output()
    assert f"{count} times there and back" in job.output()
    assert machine.run("cat /sys/devices/system/cpu/online") == f"0-{cpus - 1}"
    end(system)


@full
@kexec_jump
@pytest.mark.parametrize("cpus, count", [(2, 60), (4, 60)])
def test_checkpoints_under_writers(make_system, cpus, count):
    system = make_system(cpus=cpus)
    machine = system.machine
    start(system)
    for _ in range(count):
        system.checkpoint()
        assert machine.run("cat /sys/devices/system/cpu/online") == f"0-{cpus - 1}"
    end(system)


@full
@kexec_jump
def test_a_cpu_refuses(make_system):
    """Nothing is left switched off, a CPU that was offline stays so, and the next one succeeds."""
    system = make_system(cpus=4)
    machine = system.machine
    system.boot(memory=8, cache=4)
    machine.run("echo 0 > /sys/devices/system/cpu/cpu3/online; "
                "echo rehearse = no >> /etc/kjump.conf; "
                "mount -o bind /dev/full /sys/devices/system/cpu/cpu1/online")
    status, text = machine.call("kjump checkpoint")
    assert status == 1, text
    assert "CPU 1 does not go offline: No space left on device; nothing was saved" in text
    machine.run("umount /sys/devices/system/cpu/cpu1/online")
    assert machine.run("cat /sys/devices/system/cpu/online") == "0-2"
    # A program on the CPUs that go has them again afterwards.
    machine.run("setsid taskset 2 sh -c 'while :; do sleep 0.01; done' > /dev/null 2>&1 & "
                "echo $! > /run/bound")
    system.checkpoint()
    assert machine.run("grep Cpus_allowed: /proc/$(cat /run/bound)/status").split()[1] == "2"
    assert machine.run("cat /sys/devices/system/cpu/online") == "0-2"
    system.workload.check()
    system.workload.finish()
