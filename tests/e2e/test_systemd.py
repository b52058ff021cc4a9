# SPDX-License-Identifier: GPL-2.0-or-later
"""A distribution's user space with systemd: what marks an image that nobody restored."""

import re

import pytest

import artifacts

pytestmark = [pytest.mark.full, pytest.mark.kexec_jump]


def started(machine, *units):
    """When each unit became active, in microseconds since the boot; 0 = it did not."""
    output = machine.run(f"systemctl show -P ActiveEnterTimestampMonotonic {' '.join(units)}")
    return [int(line) for line in output.split()]


def test_boot_without_hook(make_debian):
    """The service marks the image before other file systems are mounted, and the boot goes on."""
    system = make_debian(artifacts.dracut("systemd", artifacts.DEBIAN, hook=False))
    machine = system.machine
    system.boot(workload=False)
    machine.run(f"mkdir -p /data; echo '{machine.device(system.workload.disk)} /data ext4' "
                ">> /etc/fstab")
    system.hibernate()

    mark = machine.boot(system.parameter, timeout=120)
    assert system.boot_id() != system.saved_boot
    assert "booted on without restoring" in system.info()
    assert re.search("marked stale: booted on", machine.run("journalctl -b -u kjump-boot-on"))
    service, before, mounted = started(machine, "kjump-boot-on.service", "local-fs-pre.target",
                                       "data.mount")
    assert 0 < service <= before <= mounted
    assert machine.run("systemctl is-system-running --wait; :") == "running"
    assert "ordering cycle" not in machine.console(mark) + machine.run("journalctl -b")

    # Nothing is left to be done at the next boot, without the parameter nothing was asked for.
    machine.run("mount -o remount,ro /data")
    machine.power_off()
    machine.boot(timeout=120)
    assert started(machine, "kjump-boot-on.service") == [0]
    assert "booted on without restoring" in system.info()
    machine.power_off()


def test_restore_with_hook(make_debian):
    """A whole distribution comes back, and its service stays out of it."""
    system = make_debian(artifacts.dracut("systemd", artifacts.DEBIAN))
    system.boot()
    system.restore(system.hibernate())
    system.workload.check()
    assert started(system.machine, "kjump-boot-on.service") == [0]
    assert system.machine.run("systemctl is-system-running; :") == "running"
    system.workload.finish()
