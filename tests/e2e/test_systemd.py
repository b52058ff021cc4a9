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

    story = machine.run("journalctl -b -o cat MESSAGE_ID=d9d4b1ab499147598c7910bc195b7b8f")
    assert re.fullmatch(r"booted on without restoring what is on UUID=\S+: .+", story), story
    assert "boot         not restored: " in machine.run("kjump history")

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


SCRIPT = """#!/bin/sh
echo "$0 $* $SYSTEMD_SLEEP_ACTION" >> /root/told
"""


def test_systemctl_hibernate(make_debian):
    """
    systemd's own service does it, by the generator's drop-in; scripts run around it, and the journal
    has the story. Nothing is loaded when the machine goes down.
    """
    system = make_debian(artifacts.dracut("systemd", artifacts.DEBIAN))
    machine = system.machine
    system.boot()
    for path in ("/etc/kjump.d/pre/mine", "/etc/kjump.d/post/mine",
                 "/usr/lib/systemd/system-sleep/system"):
        machine.run(f"mkdir -p {path.rsplit('/', 1)[0]}; cat > {path} <<'END'\n{SCRIPT}END\n"
                    f"chmod +x {path}")
    # A target was set just now.
    machine.run("systemctl daemon-reload")
    assert "/kjump/sleep hibernate" in machine.run("systemctl cat systemd-hibernate.service")
    assert started(machine, "kjump-unload.service") != [0]

    system.saved_boot = system.boot_id()
    machine.start("systemctl start systemd-hibernate.service")
    machine.wait_exit(120)
    system.restore(None, timeout=180)
    system.workload.check()
    told = machine.run("cat /root/told").splitlines()
    assert told[:4] == ["/etc/kjump.d/pre/mine pre hibernate ",
                        "/usr/lib/systemd/system-sleep/system pre hibernate hibernate",
                        "/usr/lib/systemd/system-sleep/system post hibernate hibernate",
                        "/etc/kjump.d/post/mine post hibernate hibernate"]
    story = machine.run("journalctl -b -o cat SYSLOG_IDENTIFIER=kjump KJUMP_OPERATION=hibernation")
    assert re.fullmatch(r"hibernation to UUID=\S+ begins\n"
                        r"hibernation restored from UUID=\S+: .*", story), story
    assert "restored" in machine.run("kjump history")

    # Loaded once more, it is gone before anything that boots what is loaded.
    machine.run("/usr/local/bin/kjump load")
    machine.run("systemctl stop kjump-unload.service")
    assert "not loaded" in machine.run("kjump status")
    system.workload.finish()
