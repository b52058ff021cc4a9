# SPDX-License-Identifier: GPL-2.0-or-later
"""What free pages must hold when A goes on: the image has none of them, C left its own data there."""

import json

import pytest


@pytest.mark.parametrize("parameter, policy", [
    ("init_on_free=1", "zero"),
    # Debian's kernels have no PAGE_POISONING.
    pytest.param("page_poison=1", "poison", marks=[pytest.mark.full, pytest.mark.kexec_jump]),
])
def test_free_pages_after_a_restore(make_system, parameter, policy):
    system = make_system(memory="512M", append=parameter)
    machine = system.machine
    system.boot(memory=8, cache=4)
    system.restore(system.hibernate())
    found = json.loads(machine.run(f"kjump info --json {machine.device(system.image)}"))["image"]
    assert found["index"]["fill"] == policy
    assert found["pages"]["free"] > 20000, "too few to be of interest"
    # Nearly all of them: with init_on_free the kernel hands them out without looking; with
    # page_poison it looks, and complains.
    free = int(machine.run("awk '/^MemFree/ { print int($2 / 1024) }' /proc/meminfo"))
    machine.run(f"fresh {free - 24}")
    assert "pagealloc" not in machine.run("dmesg")
    system.workload.check()
    system.workload.finish()
