# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures: everything is built once a session; machines never outlive their test."""

import shutil

import pytest

import artifacts
from machine import Disk, Machine, MIB
from system import System
from workload import make_file_system


@pytest.fixture(scope="session")
def built():
    """Kernel, programs, kernel B's initramfs and the guest."""
    try:
        artifacts.guest()
    except RuntimeError as error:
        pytest.exit(str(error), returncode=1)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows what its machines said last."""
    result = yield
    report = result.get_result()
    if report.failed:
        for machine in getattr(item, "machines", []):
            report.sections.append(("console", machine.tail()))


@pytest.fixture
def make_machine(tmp_path, request):
    """Machine(...) in the test's folder, killed at its end."""
    machines = request.node.machines = []

    def make(folder="machine", **arguments):
        machines.append(Machine(tmp_path / folder, **arguments))
        return machines[-1]

    yield make
    for machine in machines:
        machine.kill()


@pytest.fixture
def make_system(built, make_machine, tmp_path):
    """A machine with a disk for images and a disk with a file system, and kjump's commands in it."""
    def make(image=1024 * MIB, bus="virtio", disks=(), faults=None, **arguments):
        image_disk = Disk(tmp_path / "image.raw", image, bus, faults=faults or {})
        data_disk = Disk(tmp_path / "data.raw", 257 * MIB, bus)
        make_file_system(data_disk.path)
        machine = make_machine(disks=[image_disk, data_disk, *disks], **arguments)
        return System(machine, image_disk, data_disk)

    return make


@pytest.fixture
def make_debian(make_system, tmp_path):
    """A system with Debian on a disk, booted by an initramfs of its dracut."""
    def make(initramfs, disks=(), **arguments):
        root = tmp_path / "root.raw"
        shutil.copy(artifacts.systemd_root(artifacts.DEBIAN), root)
        return make_system(disks=[Disk(root, root.stat().st_size), *disks], initramfs=initramfs,
                           append="root=LABEL=guest-root rw", memory="1G", **arguments)

    return make
