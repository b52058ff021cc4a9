# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel B out of a file: it boots once, and is used in further boots of A without booting again."""

import pytest

from machine import Disk, MIB
from ways import WAYS
from workload import make_file_system

KEPT = "/var/lib/kjump/b.img"


@pytest.fixture
def make_kept(make_system, tmp_path):
    """A system with a disk of its own for /var/lib/kjump, whose kernel lies at the same place in each boot."""
    def make(append="nokaslr", **arguments):
        library = Disk(tmp_path / "library.raw", 129 * MIB, arguments.get("bus", "virtio"))
        make_file_system(library.path)
        system = make_system(disks=[library], append=append, **arguments)
        system.library = library
        return system

    return make


def start(system, first=False, workload=True):
    """Boot A with /var/lib/kjump on its disk. Returns the place in the console where it began."""
    machine = system.machine
    mark = machine.boot()
    machine.run(f"mkdir -p /var/lib/kjump; mount -t ext4 {machine.device(system.library)} /var/lib/kjump")
    if first:
        system.format()
    system.configure(f"UUID={system.uuid()}")
    if workload:
        system.workload.start()
    return mark


def make_file(system):
    """The first boot of A, whose kernel B boots and is kept."""
    start(system, first=True)
    job = system.machine.start("kjump checkpoint")
    assert job.wait(90) == 0, job.output()
    assert f"kernel B kept in {KEPT}" in job.output()
    assert system.machine.run(f"stat -c '%a %u' {KEPT}") == "600 0"
    system.workload.finish()
    make_file_system(system.workload.disk.path)


@pytest.mark.parametrize("way", WAYS)
def test_never_booted_again(make_kept, way):
    """In the second boot of A, and after a restore, kernel B is the one that was kept."""
    system = make_kept()
    machine = system.machine
    make_file(system)
    assert system.b_boots() == 1

    mark = start(system)
    assert f"loaded from {KEPT}" in machine.run("kjump load")
    assert f"taken from {KEPT}" in machine.run("kjump status")
    system.checkpoint()
    system.workload.check()
    system.checkpoint()
    system.workload.check()
    job = system.hibernate()
    system.restore(job)
    system.workload.check()
    # The payload took its place: it comes out of the file once more.
    system.checkpoint()
    system.workload.check()
    machine.run("test ! -e /var/lib/kjump/b.tried")
    assert system.b_boots(mark) == 0
    system.workload.finish()
