# SPDX-License-Identifier: GPL-2.0-or-later
"""A hardware watchdog that runs in A: nothing fires that should not, and what hangs is reset."""

import socket
import time

import pytest

from machine import PATIENCE

DEVICE = ["-device", "i6300esb", "-action", "watchdog=reset"]
TIMEOUT = 10  # seconds without a sign of life, in A


@pytest.fixture
def monitor(tmp_path):
    """Arguments of QEMU for a monitor, and what sends a command to it."""
    path = f"/tmp/kjump-monitor-{tmp_path.name}"

    def command(text):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            connection.sendall(f"{text}\n".encode())
            connection.settimeout(5)
            answer = b""
            while answer.count(b"(qemu) ") < 2:  # before the command, and after it
                answer += connection.recv(4096)

    return ["-chardev", f"socket,id=monitor,path={path},server=on,wait=off",
            "-mon", "chardev=monitor"], command


def slow_down(command, bytes_per_second):
    command(f"block_set_io_throttle disk0 0 0 {bytes_per_second} 0 0 0")


def start(make_system, extra=()):
    system = make_system(extra=[*DEVICE, *extra], modules=("i6300esb",))
    system.boot(memory=24, cache=8)
    system.machine.run(f"watchdog -T {TIMEOUT} -t 1 /dev/watchdog0")
    return system


def seconds(machine):
    return float(machine.run("cut -d' ' -f1 /proc/uptime"))


def let_pass(machine, wanted):
    until = seconds(machine) + wanted
    while seconds(machine) < until:
        time.sleep(1)


@pytest.mark.full
def test_armed_in_a(make_system, monitor):
    """A save that takes longer than A's watchdog waits; afterwards it runs in A as before."""
    arguments, command = monitor
    system = start(make_system, arguments)
    machine = system.machine
    system.checkpoint()
    slow_down(command, 3 << 20)
    began = seconds(machine)
    system.checkpoint(180)
    slow_down(command, 0)
    assert seconds(machine) - began > TIMEOUT
    let_pass(machine, TIMEOUT + 5)
    system.workload.check()

    # It does run: without its daemon the machine is reset.
    mark = machine.mark()
    machine.run("killall -STOP watchdog")
    machine.wait_console("guest ready", 60, mark)


@pytest.mark.full
def test_without_a_watchdog(make_system):
    """None that A did not start survives into A."""
    system = make_system(extra=DEVICE, modules=("i6300esb",))
    machine = system.machine
    system.boot(memory=8, cache=8)
    system.checkpoint()
    let_pass(machine, 35)
    system.workload.check()
    assert machine.run("dmesg | grep -c 'initialized. heartbeat'") == "1"
    system.workload.finish()


@pytest.mark.full
def test_hung_writer(make_system, monitor):
    """A disk that takes nothing any more must not leave the machine standing still for ever."""
    arguments, command = monitor
    system = start(make_system, arguments)
    machine = system.machine
    system.saved_boot = system.boot_id()
    mark = machine.mark()
    machine.start("kjump hibernate")
    machine.wait_console("kernel B booted", 60, mark)
    slow_down(command, 1)
    began = time.monotonic()
    machine.wait_console("guest ready", 120, mark)
    assert time.monotonic() - began > 20
    assert "Kernel panic" not in machine.console(mark)
    slow_down(command, 0)
    assert system.boot_id() != system.saved_boot


@pytest.mark.full
def test_five_minutes(make_system):
    """With a watchdog in A, through a checkpoint and a restore, nothing fires for five minutes."""
    system = start(make_system)
    system.checkpoint()
    let_pass(system.machine, 300)
    system.workload.check()
    system.restore(system.hibernate())
    let_pass(system.machine, 40)
    system.workload.check()
    mark = system.machine.mark()
    system.machine.run("killall -STOP watchdog")
    system.machine.wait_console("guest ready", 60 * PATIENCE, mark)
