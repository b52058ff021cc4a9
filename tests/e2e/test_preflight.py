# SPDX-License-Identifier: GPL-2.0-or-later
"""kjump check: what it finds on a machine that is ready, and on one that is not."""

import json

HOOK = "/etc/initramfs-tools/hooks/kjump"
IMAGE = "/boot/initrd.img-$(uname -r)"


def states(machine):
    """Exit status and {name: state} of `kjump check --json`."""
    status, output = machine.call("kjump check --json 2>/dev/null")
    result = json.loads(output)
    assert result["ok"] == (status == 0)
    return status, {check["name"]: check["state"] for check in result["checks"]}


def test_check(make_system):
    system = make_system()
    machine = system.machine
    machine.boot()
    system.format()
    machine.power_off()

    machine.boot(system.parameter)
    system.configure(f"UUID={system.uuid()}")
    machine.run(f"mkdir -p $(dirname {HOOK}); touch {HOOK} {IMAGE}")
    log = machine.run("dmesg | wc -l")
    status, output = machine.call("kjump check")
    assert status == 0, output
    assert "problem" not in output
    assert machine.run("cat /sys/kernel/kexec_loaded; dmesg | wc -l").split() == ["0", log]
    _, found = states(machine)
    assert "problem" not in found.values()

    machine.run("kjump load -q")
    assert states(machine) == (0, found)
    assert machine.run("cat /sys/kernel/kexec_loaded") == "1"

    # Three things go wrong, and three it finds, with what to do.
    machine.run(f"touch -d @1 {IMAGE}; mount -t tmpfs -o size=90% tmpfs /root")
    machine.run("dd if=/dev/zero of=/root/full bs=1M count=560 2>/dev/null")
    system.configure("/dev/no-such-device")
    status, found = states(machine)
    assert status == 1
    wrong = [name for name, state in found.items() if state == "problem"]
    assert wrong == ["target", "target size", "room for the boot kernel", "initramfs hook"]
    status, output = machine.call("kjump check --quiet")
    assert status == 1
    assert "update-initramfs" in output
    assert "KEXEC_JUMP" not in output


def test_check_lockdown(make_system):
    machine = make_system(append="lockdown=integrity").machine
    machine.boot()
    status, found = states(machine)
    assert status == 1
    assert [found[name] for name in ("kexec permitted", "KEXEC_JUMP", "hibernation allowed")] == \
        ["problem"] * 3
