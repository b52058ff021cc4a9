# SPDX-License-Identifier: GPL-2.0-or-later
"""
The jump module: other kernels of Debian's in all roles than the one that most tests boot, and what
it refuses.
"""

import json
import re
import shutil
import subprocess
import time

import pytest

import artifacts
from machine import Disk, MIB
from workload import check_file_system

full = pytest.mark.full

# Its parked CPUs wait in mwait, which a write wakes.
INTEL = "max,vendor=GenuineIntel"


@pytest.fixture
def make_module_system(make_system):
    """make_system() for a machine whose kernel is another one of Debian's with the module."""
    def make(version, flavour, b_module=True, **arguments):
        return make_system(accelerator=artifacts.steady_accelerator(),
                           kernel=artifacts.stock_with_module(version, flavour) / "vmlinuz",
                           initramfs=artifacts.guest_with_module(version, flavour, b_module),
                           **arguments)

    return make


@pytest.fixture
def make_stock_system(make_system):
    """make_system() for a machine with Debian's kernel for clouds."""
    def make(initramfs):
        return make_system(accelerator=artifacts.steady_accelerator(), initramfs=initramfs,
                           kernel=artifacts.stock("6.12", "cloud") / "vmlinuz")

    return make


def online(machine):
    return machine.run("cat /sys/devices/system/cpu/online")


@full
@pytest.mark.parametrize("version, flavour, arguments", [
    pytest.param("6.1", "cloud", {"cpu": INTEL}, id="6.1-cloud"),
    pytest.param("6.12", "generic", {"cpu": INTEL, "bus": "ahci"}, id="6.12-generic-ahci"),
    pytest.param("6.12", "generic", {"bus": "nvme", "cpus": 4}, id="6.12-generic-nvme"),
    pytest.param("6.12", "cloud", {"firmware": "uefi"}, id="6.12-cloud-uefi"),
    pytest.param("6.12", "cloud", {"cpus": 1}, id="6.12-cloud-1-cpu"),
    pytest.param("newest", "trixie-backports", {}, id="newest"),
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


@pytest.mark.parametrize("step, cause", [
    pytest.param("prepare", "a device refused to suspend", marks=full),
    pytest.param("freeze", "a device refused to suspend", marks=full),
    ("noirq", "a device refused to suspend"),
    pytest.param("cpu", "a CPU refused to go offline", marks=full),
])
def test_refusing(make_system, step, cause):
    """The jump fails, with the name of who refused; everything works, and so does the next jump."""
    system = make_system()
    machine = system.machine
    system.boot(memory=8, cache=4)
    machine.run("echo 'rehearse = no' >> /etc/kjump.conf")
    machine.run(f"echo {step} > /sys/module/refuse/parameters/when")
    job = machine.start("kjump checkpoint")
    assert job.wait(90) == 1
    assert cause in job.output(), job.output()
    if step in ("freeze", "noirq"):
        assert f"{cause}: refuse (Input/output error)" in job.output(), job.output()
    assert online(machine) == "0-1"
    system.workload.check()
    machine.run("echo never > /sys/module/refuse/parameters/when")
    system.checkpoint()
    assert online(machine) == "0-1"
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
def test_killed_caller(make_system):
    """Killed when devices are frozen: nobody jumps, and what it left is told and put back."""
    system = make_system()
    machine = system.machine
    system.boot(memory=8, cache=4)
    machine.run("echo 'rehearse = no' >> /etc/kjump.conf")

    def left():
        return json.loads(machine.call("kjump check --json")[1])["left switched off"]["state"]

    assert left() == "ok"
    machine.run("echo kill > /sys/module/refuse/parameters/when")
    assert machine.start("kjump checkpoint").wait(90) == 137
    machine.run("echo never > /sys/module/refuse/parameters/when")
    assert "kjump: refused: the caller was killed" in machine.run("dmesg")
    assert machine.call(f"kjump info {machine.device(system.image)}")[0] == 3
    assert online(machine) == "0-1"
    system.workload.check()
    assert left() == "warning"
    system.checkpoint()
    assert left() == "ok"
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
def test_exported_functions(make_system):
    """The same cycle by what the kernel exports to modules alone."""
    system = make_system()
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


def refused(machine, command, *words):
    status, output = machine.call(command)
    assert status == 1, output
    assert all(word in output for word in words), output


def test_what_is_refused(make_system):
    """Who and what the module refuses; the last jump of all succeeds."""
    machine = make_system(append="movablecore=320M").machine
    machine.boot()
    assert machine.run("stat -c %a /dev/kjump") == "600"

    refused(machine, "bounce --abi 99", "Protocol error", "the caller is of version 99")

    code = re.search("([0-9a-f]+)-[0-9a-f]+ : Kernel code", machine.run("cat /proc/iomem")).group(1)
    refused(machine, f"bounce --address {code}", "the kernel's")
    refused(machine, "bounce --address fee00000", "not RAM")
    refused(machine, "bounce --address 4000000000", "not RAM")
    refused(machine, "bounce --address 20000800", "not whole pages")
    refused(machine, "bounce --size 629145600", "more than half")
    refused(machine, "bounce --size 0", "not whole pages")
    machine.run("echo 0x20000000 > /sys/devices/system/memory/hard_offline_page || :")
    refused(machine, "bounce --address 20000000", "poisoned")

    machine.run("echo 'nobody:x:65534:65534::/:/bin/sh' > /etc/passwd")
    user = "start-stop-daemon -S -c nobody -x /bin/bounce --"
    refused(machine, user, "Permission denied")
    machine.run("chmod 666 /dev/kjump")
    refused(machine, user, "Operation not permitted")

    # Memory goes away: what is loaded is dropped.
    machine.run("bounce --load-only")
    machine.run("for block in /sys/devices/system/memory/memory*; do "
                "if echo offline > $block/state; then break; fi; done")
    assert "dropped what is loaded" in machine.run("dmesg")
    refused(machine, "bounce --jump-only", "no kernel is loaded")

    machine.run("bounce --load-only")
    refused(machine, "bounce --flags 1", "the caller has not frozen the tasks")
    refused(machine, "bounce --flags 2", "unknown flags 0x2")
    assert "3 times" in machine.run("bounce 3")
    machine.run("bounce --load-only")
    machine.run("echo 1 > /proc/sys/kernel/kexec_load_disabled")
    refused(machine, "bounce", "kexec_load_disabled is set")
    machine.run("echo integrity > /sys/kernel/security/lockdown")
    refused(machine, "bounce --jump-only", "Operation not permitted")
    assert "Lockdown: bounce: kexec of unsigned images is restricted" in machine.run("dmesg")


def test_check(make_stock_system):
    """What is missing is told apart."""
    machine = make_stock_system(artifacts.guest_of_stock("6.12", "cloud")).machine
    machine.boot()
    found = machine.call("kjump check")[1]
    assert "there is no jump module, nor headers" in found
    assert "built without CONFIG_KEXEC_JUMP" in found
    release = machine.run("uname -r")
    machine.run(f"mkdir -p /lib/modules/{release}/build")
    assert "the jump module was not built for this kernel" in machine.call("kjump check")[1]
    machine.kill()

    system = make_stock_system(artifacts.guest_with_module("6.12", "cloud"))
    machine = system.machine
    machine.boot("lockdown=integrity")
    assert re.search("problem +jump permitted: kernel lockdown", machine.call("kjump check")[1])
    machine.kill()
    machine.boot()
    assert re.search("ok +jump: by the module", machine.call("kjump check")[1])
    system.configure(None)
    machine.run("kjump load", 120)
    assert "by module" in machine.run("kjump status")
    status, output = machine.call("kjump checkpoint --jump kexec")
    assert status == 1
    assert "CONFIG_KEXEC_JUMP" in output
    machine.run("kjump unload")
    assert "not loaded" in machine.run("kjump status")


def sign(module, folder):
    """What DKMS does with the key of a machine; returns the path of a signed copy."""
    key, certificate, signed = (folder / name for name in ("mok.key", "mok.pem", "kjump.ko"))
    subprocess.run(["openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=some machine/", "-keyout", key, "-out", certificate], check=True,
                   stderr=subprocess.DEVNULL)
    program, = artifacts.headers(*artifacts.KERNEL).parents[2].glob(
        "usr/lib/linux-kbuild-*/scripts/sign-file")
    shutil.copy(module, signed)
    subprocess.run([program, "sha256", key, certificate, signed], check=True)
    return signed


@full
def test_signature(make_system, tmp_path):
    """
    Where only signed modules are loaded, as under Secure Boot: one that is not signed, and one whose
    signer nobody has enrolled, are built and not loadable; where all are, the second one is taken.
    """
    folder = artifacts.stock_with_module(*artifacts.KERNEL)
    signed = sign(folder / "modules/updates/kjump.ko", tmp_path)
    size = signed.stat().st_size
    carrier = Disk(tmp_path / "carrier.raw", 40 * MIB)
    with open(carrier.path, "r+b") as file:
        file.write(signed.read_bytes())
    machine = make_system(disks=[carrier]).machine
    install = ("set -e; folder=/lib/modules/$(uname -r); mkdir -p $folder; cp {} $folder/kjump.ko; "
               "cd $folder; echo 'kjump.ko:' > modules.dep")
    unpack = f"head -c {size} {{}} > /run/kjump.ko"

    machine.boot("module.sig_enforce=1")
    machine.run(install.format("/lib/modules/kjump.ko"))
    words = ("the jump module cannot be loaded", "its signer's key is not enrolled")
    refused(machine, "kjump check", *words)
    machine.run(unpack.format(machine.device(carrier)))
    machine.run(install.format("/run/kjump.ko"))
    refused(machine, "kjump check", *words)
    machine.kill()

    machine.boot()
    machine.run("rmmod kjump")
    machine.run(unpack.format(machine.device(carrier)))
    machine.run(install.format("/run/kjump.ko"))
    assert re.search("ok +jump: by the module", machine.call("kjump check")[1])


@full
def test_suspend_to_ram_afterwards(make_system):
    """The system's own ways to sleep are as they were, with the module and without."""
    system = make_system()
    machine = system.machine
    system.boot(memory=8, cache=4)
    states = machine.run("cat /sys/power/state /sys/power/mem_sleep")
    machine.run("bounce 3")
    for command in ("true", "rmmod kjump"):
        machine.run(command)
        assert machine.run("cat /sys/power/state /sys/power/mem_sleep") == states
        mark = machine.mark()
        job = machine.start("echo mem > /sys/power/state")
        # Some of QEMU's machines wake up by themselves, which says that there is nothing to wake.
        for _ in range(60):
            if "PM: suspend exit" in machine.console(mark):
                break
            time.sleep(0.5)
            machine.monitor("system_wakeup")
        assert job.wait(60) == 0, job.output()
        assert online(machine) == "0-1"
        system.workload.check()
    assert "PM: suspend exit" in machine.run("dmesg")
    machine.run("insmod /lib/modules/kjump.ko")
    system.checkpoint()
    system.workload.check()
    # QEMU's q35 does not power off any more once it was asleep, with or without kjump.
    system.workload.stop()
    machine.kill()
    check_file_system(system.workload.disk.path)
