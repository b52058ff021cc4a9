# SPDX-License-Identifier: GPL-2.0-or-later
"""
A real systemd-logind on a bus of its own, with a stand-in for process 1, in a mount namespace of its
own in which /sys/power says what a machine says that can hibernate. Prints what happens, one a line.

usage: logind.py FOLDER LOGIND...

What logind is started with comes from the environment; SWAP there is a device that is swapped to, and
RESUME the device that the kernel would resume from. The machine is one without EFI.
"""

import os
import subprocess
import sys
import time

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

LOGIN1 = "org.freedesktop.login1"
SYSTEMD1 = "org.freedesktop.systemd1"
BUS = """<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen>
<auth>EXTERNAL</auth><policy context="default"><allow user="*"/><allow own="*"/>
<allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>"""
POWER = {"state": "freeze mem disk", "disk": "[platform] shutdown reboot suspend test_resume",
         "resume": os.environ.get("RESUME", "0:0"), "resume_offset": "0", "mem_sleep": "s2idle [deep]"}


def say(*words):
    print(*words, flush=True)


class Units(dbus.service.FallbackObject):
    @dbus.service.method("org.freedesktop.DBus.Properties", in_signature="ss", out_signature="v")
    def Get(self, _interface, name):
        return {"LoadState": "loaded"}.get(name, "inactive")


class Manager(dbus.service.Object):
    @dbus.service.method(SYSTEMD1 + ".Manager")
    def Subscribe(self):
        pass

    @dbus.service.method(SYSTEMD1 + ".Manager", in_signature="ss", out_signature="o")
    def StartUnit(self, name, _mode):
        say("started", name)
        # It ends at once.
        GLib.timeout_add(100, self.JobRemoved, 1, "/org/freedesktop/systemd1/job/1", name, "done")
        return "/org/freedesktop/systemd1/job/1"

    @dbus.service.signal(SYSTEMD1 + ".Manager", signature="uoss")
    def JobRemoved(self, number, job, unit, result):
        pass


def make_machine(folder):
    """What logind looks at; it is gone with the namespace."""
    for path in ("/run", "/sys/power", "/sys/firmware"):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
    for name in ("dbus", "udev/tags", *(f"systemd/{name}" for name in (
            "system", "seats", "users", "sessions", "inhibit", "shutdown", "journal"))):
        os.makedirs(f"/run/{name}")
    for name, text in POWER.items():
        with open(f"/sys/power/{name}", "w", encoding="utf-8") as file:
            file.write(text + "\n")
    if "SWAP" in os.environ:
        swaps = os.path.join(folder, "swaps")
        with open(swaps, "w", encoding="utf-8") as file:
            file.write("Filename Type Size Used Priority\n"
                       f"{os.environ['SWAP']} partition 8388604 0 -2\n")
        subprocess.run(["mount", "--bind", swaps, "/proc/swaps"], check=True)
    with open(os.path.join(folder, "bus.conf"), "w", encoding="utf-8") as file:
        file.write(BUS)


def start(*command, **keywords):
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **keywords)


def wait_for(condition):
    deadline = time.monotonic() + 30
    context = GLib.MainContext.default()
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("logind.py: no answer")
        context.iteration(False)
        time.sleep(0.01)


class Locker:
    """A program that locks the screen, and takes its time."""

    def __init__(self, manager):
        self.manager, self.awake = manager, False
        self.lock = manager.Inhibit("sleep", "screen", "locks it", "delay", dbus_interface=LOGIN1 +
                                    ".Manager").take()
        manager.connect_to_signal("PrepareForSleep", self.prepare)

    def prepare(self, begins):
        say("PrepareForSleep", bool(begins))
        self.awake = not begins
        if begins:
            GLib.timeout_add(500, self.locked)

    def locked(self):
        say("locked")
        os.close(self.lock)


def main(folder, *command):
    make_machine(folder)
    children = [start("dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile")]
    try:
        wait_for(lambda: os.path.exists("/run/dbus/system_bus_socket"))
        dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
        bus = dbus.SystemBus()
        name = dbus.service.BusName(SYSTEMD1, bus)
        objects = [name, Manager(bus, "/org/freedesktop/systemd1"),
                   Units(bus, "/org/freedesktop/systemd1/unit")]
        children.append(start(*command))
        wait_for(lambda: bus.name_has_owner(LOGIN1))
        manager = bus.get_object(LOGIN1, "/org/freedesktop/login1", introspect=False)
        answers = []
        manager.CanHibernate(dbus_interface=LOGIN1 + ".Manager", reply_handler=answers.append,
                             error_handler=lambda error: answers.append(error))
        wait_for(lambda: answers)
        say("CanHibernate", answers[0])
        if answers[0] == "yes":
            locker = Locker(manager)
            manager.Hibernate(False, dbus_interface=LOGIN1 + ".Manager", signature="b",
                              reply_handler=lambda: None,
                              error_handler=lambda error: say("refused", error))
            wait_for(lambda: locker.awake)
        del objects
    finally:
        for child in reversed(children):
            child.kill()
            child.wait()


main(*sys.argv[1:])
