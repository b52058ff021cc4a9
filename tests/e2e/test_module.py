# SPDX-License-Identifier: GPL-2.0-or-later
"""The jump module: Debian's own kernels, which have no KEXEC_JUMP, as kernel A."""

import pytest

import artifacts

full = pytest.mark.full

# Its parked CPUs wait in mwait, which a write wakes.
INTEL = "max,vendor=GenuineIntel"


@pytest.fixture
def make_module_system(make_system):
    """make_system() for a machine whose kernel is one of Debian's with the module."""
    def make(version="6.12", flavour="cloud", b_module=True, **arguments):
        return make_system(accelerator=artifacts.steady_accelerator(),
                           kernel=artifacts.stock_with_module(version, flavour) / "vmlinuz",
                           initramfs=artifacts.guest_with_module(version, flavour, b_module),
                           **arguments)

    return make


def online(machine):
    return machine.run("cat /sys/devices/system/cpu/online")


@pytest.mark.parametrize("version, flavour, arguments", [
    pytest.param("6.12", "cloud", {}, id="6.12-cloud"),
    pytest.param("6.1", "cloud", {"cpu": INTEL}, id="6.1-cloud"),
    pytest.param("6.12", "generic", {"cpu": INTEL, "bus": "ahci"}, id="6.12-generic-ahci",
                 marks=full),
    pytest.param("6.12", "generic", {"bus": "nvme", "cpus": 4}, id="6.12-generic-nvme", marks=full),
    pytest.param("6.12", "cloud", {"firmware": "uefi"}, id="6.12-cloud-uefi", marks=full),
    pytest.param("6.12", "cloud", {"cpus": 1}, id="6.12-cloud-1-cpu", marks=full),
])
def test_cycle(make_module_system, version, flavour, arguments):
    """Checkpoints with a warm B, hibernation and restore, with one of Debian's kernels in all roles."""
    system = make_module_system(version, flavour, **arguments)
    system.boot()
    before = online(system.machine)
    for _ in range(3):
        system.checkpoint()
        system.workload.check()
        assert online(system.machine) == before
    job = system.hibernate()
    assert system.b_boots() == 1
    system.restore(job)
    system.workload.check()
    system.checkpoint()
    system.workload.finish()


def test_jumps_under_writers(make_module_system):
    """
    Back and forth while three processes write to a disk with several queues. CPUs that go offline
    after the disk was suspended would wait for requests of theirs for ever.
    """
    system = make_module_system()
    machine = system.machine
    system.boot(memory=8, cache=4)
    machine.run("echo 1 > /proc/sys/vm/dirty_writeback_centisecs")
    machine.run("echo 1 > /proc/sys/vm/dirty_expire_centisecs")
    assert len(machine.run(f"ls /sys/block/{machine.device(system.workload.disk)[5:]}/mq").split()) > 1
    for number in range(3):
        machine.run(f"setsid sh -c 'while :; do dd if=/dev/zero of=/mnt/w{number} bs=64k count=100 "
                    "conv=notrunc; done' > /dev/null 2>&1 & echo $! >> /run/writers")
    job = machine.start("bounce 60")
    assert job.wait(300) == 0, job.output()
    assert "60 times there and back" in job.output()
    machine.run("for pid in $(cat /run/writers); do kill -- -$pid || kill $pid; done; pkill dd; :")
    assert online(machine) == "0-1"
    system.workload.check()
    system.workload.finish()


@pytest.mark.parametrize("step, cause", [
    ("prepare", "a device refused to suspend"),
    ("freeze", "a device refused to suspend"),
    ("noirq", "a device refused to suspend"),
    ("cpu", "a CPU refused to go offline"),
])
def test_refusing(make_module_system, step, cause):
    """The jump fails, with the name of who refused; everything works, and so does the next jump."""
    system = make_module_system()
    machine = system.machine
    system.boot(memory=8, cache=4)
    machine.run("echo 'rehearse = no' >> /etc/kjump.conf")
    machine.run(f"echo {step} > /sys/module/refuse/parameters/when")
    job = machine.start("kjump checkpoint")
    assert job.wait(90) == 1
    assert cause in job.output(), job.output()
    assert step == "cpu" or "refuse" in job.output(), job.output()
    assert online(machine) == "0-1"
    system.workload.check()
    machine.run("echo never > /sys/module/refuse/parameters/when")
    system.checkpoint()
    assert online(machine) == "0-1"
    system.workload.check()
    system.workload.finish()


def test_exported_functions(make_module_system):
    """The same cycle by what the kernel exports to modules alone."""
    system = make_module_system()
    machine = system.machine
    system.boot()
    machine.run("rmmod kjump && insmod /lib/modules/kjump.ko exported=1")
    for _ in range(2):
        system.checkpoint()
        system.workload.check()
        assert online(machine) == "0-1"
    system.restore(system.hibernate())
    system.workload.check()
    assert online(machine) == "0-1"
    system.checkpoint()
    system.workload.finish()
