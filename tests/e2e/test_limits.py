# SPDX-License-Identifier: GPL-2.0-or-later
"""How scattered memory may be, and how full."""

import json

import pytest

from workload import free_memory

# How much fits was measured with the small kernel.
pytestmark = [pytest.mark.full, pytest.mark.kexec_jump]


def pages(system):
    text = system.machine.run(f"kjump info --json {system.machine.device(system.image)}; :")
    return json.loads(text)["image"]["pages"]


def fill(machine, mib, pattern="urandom"):
    """MIB of a tmpfs: random bytes, or pages that are random and zero by turns."""
    machine.run("mkdir -p /run/fill && mount -t tmpfs -o size=100% tmpfs /run/fill")
    if pattern == "urandom":
        machine.run(f"dd if=/dev/urandom of=/run/fill/data bs=1M count={mib} 2> /dev/null", 600)
        return
    machine.run("for i in $(seq 128); do head -c 4096 /dev/urandom; head -c 4096 /dev/zero; done "
                "> /run/unit")
    machine.run(f"for i in $(seq {mib}); do cat /run/unit; done > /run/fill/data", 600)


def test_every_second_page(make_system):
    """More than half a million runs of pages: the home has room for a part of them."""
    system = make_system(memory="3G", image=2048 << 20)
    machine = system.machine
    system.boot(memory=4, cache=4)
    # By itself it takes room for nearly all of them.
    machine.run("echo 'home = 80M' >> /etc/kjump.conf")
    fill(machine, 2200, "alternating")
    mark = machine.mark()
    system.checkpoint(timeout=400)
    assert "Out of memory" not in machine.console(mark)
    found = pages(system)
    # Of the zero pages as many are left out as can be listed; the others are saved like data.
    assert 100000 < found["zero"] < 2200 * 128 < found["data"], found
    system.workload.check()

    job = system.hibernate(timeout=400)
    system.restore(job, timeout=400)
    system.workload.check()
    assert machine.run("head -c 1048576 /run/fill/data | cmp - /run/unit && echo same") == "same"
    system.workload.finish()


def test_nearly_full(make_system):
    """A machine of 2 GiB, as full as the boot kernel allows: nine tenths of it and more."""
    system = make_system(memory="2G", image=3072 << 20)
    machine = system.machine
    machine.boot()
    system.format()
    machine.power_off()
    # So that what a boot kernel takes is known.
    machine.boot(system.parameter)
    system.configure(f"UUID={system.uuid()}")
    system.workload.start(memory=4, cache=4)
    machine.run("kjump load && echo 3 > /proc/sys/vm/drop_caches")
    noted = dict(line.split(" = ") for line in
                 machine.run("cat /run/kjump-boot/footprint").splitlines())
    home = int(machine.run("grep -o '^home_size = .*' /run/kjump/state").split()[2], 0) >> 20
    boot = (int(noted["ram_kib"]) - int(noted["room_kib"])) // 1024 + 2048 // 512
    fill(machine, free_memory(machine) - max(boot - home, 32) - 100)
    more = free_memory(machine) - max(boot - home, 32) - 4
    machine.run(f"dd if=/dev/urandom of=/run/fill/more bs=1M count={more} 2> /dev/null", 600)
    digest = machine.run("sha256sum < /run/fill/data", 600)
    job = system.hibernate(timeout=600)
    system.restore(job, timeout=600)
    assert machine.run("sha256sum < /run/fill/data", 600) == digest
    found = pages(system)
    assert found["data"] >= 0.9 * found["ram"], found
    system.workload.check()
    system.workload.finish()
