# SPDX-License-Identifier: GPL-2.0-or-later
"""What must be in order before a jump, and the freeze that is rehearsed before the first."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from ways import kexec_jump

full = pytest.mark.full

IMAGE = "/boot/initrd.img-$(uname -r)"


def states(machine):
    """Exit status and {name: state} of `kjump check --json`."""
    status, output = machine.call("kjump check --json 2>/dev/null")
    result = {name: check["state"] for name, check in json.loads(output).items()}
    assert ("problem" in result.values()) == (status == 1)
    return status, result


@pytest.mark.parametrize("way", ["module", pytest.param("kexec_jump", marks=[kexec_jump, full])])
def test_check(make_system, way):
    system = make_system()
    machine = system.machine
    machine.boot()
    system.format()
    machine.power_off()

    machine.boot(system.parameter)
    system.configure(f"UUID={system.uuid()}")
    parts = "bin/kjump-restore usr/lib/kjump/kjump-core.sh"
    machine.run(f"cd /; printf '%s\\n' {parts} | cpio -o -H newc > {IMAGE}")
    log = machine.run("dmesg | wc -l")
    status, output = machine.call("kjump check")
    assert status == 0, output
    assert "problem" not in output
    assert "not loaded" in machine.run("kjump status")
    assert machine.run("cat /sys/kernel/kexec_loaded; dmesg | wc -l").split() == ["0", log]
    _, found = states(machine)
    assert "problem" not in found.values()

    machine.run("kjump load -q")
    assert states(machine) == (0, found)
    assert "not loaded" not in machine.run("kjump status")
    assert machine.run("cat /sys/kernel/kexec_loaded") == ("1" if way == "kexec_jump" else "0")

    # The next boot would not restore: a reason to refuse, for who does not know better.
    machine.run("sed -i /anyway/d /etc/kjump.conf")
    for command, reason in ((f"cd /; echo init | cpio -o -H newc > {IMAGE}", "nor is a hook installed"),
                            (f": > {IMAGE}", "no archive that can be looked into")):
        machine.run(command)
        status, output = machine.call("kjump hibernate")
        assert status == 1 and system.b_boots() == 0
        assert f"{reason}; the next boot would not restore" in output, output

    # Three things go wrong, and three it finds, with what to do.
    # As if the boot had taken nearly all memory: to fill it in earnest is too near to running out of it.
    machine.run("sed -i 's/^room_kib = .*/room_kib = 16384/' /run/kjump-boot/footprint")
    system.configure("/dev/no-such-device")
    status, found = states(machine)
    assert status == 1
    wrong = [name for name, state in found.items() if state == "problem"]
    assert wrong == ["target", "room for the boot kernel", "initramfs hook"]
    assert [found[name] for name in ("layers below the target", "target size")] == ["unknown"] * 2
    status, output = machine.call("kjump check --quiet")
    assert status == 1
    assert "update-initramfs" in output
    assert "jump permitted" not in output


@full
@kexec_jump
def test_limit_of_loads(make_system):
    """Every look takes one of these away, so none is made."""
    system = make_system()
    machine = system.machine
    machine.boot()
    system.configure(None)
    machine.run("echo 5 > /proc/sys/kernel/kexec_load_limit_reboot")
    assert "loaded only 5 more times" in machine.call("kjump check --quiet")[1]
    assert machine.run("cat /proc/sys/kernel/kexec_load_limit_reboot") == "5"


@pytest.mark.full
def test_check_lockdown(make_system):
    machine = make_system(append="lockdown=integrity").machine
    machine.boot()
    status, found = states(machine)
    assert status == 1
    assert [found[name] for name in ("jump permitted", "jump", "hibernation allowed")] == \
        ["problem"] * 3


@full
@kexec_jump
def test_rehearsal(make_system):
    """Once a boot and quick; again when there is another set of devices or drivers."""
    system = make_system()
    machine = system.machine
    system.boot(memory=64, cache=16)
    freezes = "dmesg | grep -c 'PM: hibernation: Creating image'; :"
    caches = machine.run("grep ^Cached: /proc/meminfo").split()[1]
    image_size = machine.run("cat /sys/power/image_size")
    system.checkpoint()
    assert machine.run(freezes) == "1"
    system.checkpoint()
    assert machine.run(freezes) == "1"
    assert int(machine.run("grep ^Cached: /proc/meminfo").split()[1]) > 0.9 * int(caches)
    assert machine.run("cat /sys/power/image_size") == image_size
    machine.run("rm /run/kjump/rehearsed; echo rehearse = no >> /etc/kjump.conf")
    system.checkpoint()
    assert machine.run(freezes) == "1"
    system.workload.check()
    system.workload.finish()


@pytest.fixture
def virtiofs(tmp_path):
    """Arguments of QEMU for a virtiofs device, served by a daemon of the test's own."""
    socket, shared = f"/tmp/kjump-virtiofs-{os.getpid()}", tmp_path / "shared"
    shared.mkdir()
    with open(tmp_path / "virtiofsd.log", "wb") as log:
        daemon = subprocess.Popen(["/usr/lib/qemu/virtiofsd", f"--socket-path={socket}",
                                   "-o", f"source={shared}", "-o", "sandbox=chroot"],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    deadline = time.monotonic() + 10
    while not Path(socket).exists():
        assert daemon.poll() is None and time.monotonic() < deadline, "virtiofsd does not start"
        time.sleep(0.05)
    yield ["-object", "memory-backend-memfd,id=memory,size=768M,share=on",
           "-machine", "memory-backend=memory", "-chardev", f"socket,id=fs,path={socket}",
           "-device", "vhost-user-fs-pci,chardev=fs,tag=shared"]
    daemon.kill()
    daemon.wait()
    Path(socket).unlink(missing_ok=True)


@kexec_jump
def test_driver_that_refuses(make_system, virtiofs):
    """virtiofs refuses to freeze; A must not learn that in the middle of a jump."""
    system = make_system(extra=virtiofs)
    machine = system.machine
    system.boot(memory=8, cache=8)
    machine.run("mount -t virtiofs shared /root && touch /root/file")
    status, output = machine.call("kjump checkpoint")
    assert status == 1
    assert "virtiofs" in output
    assert states(machine)[1]["drivers"] == "problem"
    machine.run("touch /root/other && umount /root")

    # Hidden from kjump, it is a driver that nobody has heard of yet.
    machine.run("mount -t tmpfs tmpfs /sys/bus/virtio/drivers/virtiofs")
    status, output = machine.call("kjump checkpoint")
    assert (status, output.count("\n")) == (1, 2), output
    assert "for practice" in output.splitlines()[0]
    assert "(virtiofs): refused to freeze" in output
    assert "nothing was done" in output
    assert system.b_boots() == 0
    system.workload.check()
    system.workload.finish()
