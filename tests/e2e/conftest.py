# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures: everything is built once a session; machines never outlive their test."""

import os
import shutil

import pytest

import artifacts
from machine import Disk, Machine, MIB
from system import System
from workload import make_file_system


def pytest_runtest_setup(item):
    """What only the KEXEC_JUMP kernel can do builds it on demand alone."""
    if not item.get_closest_marker("kexec_jump") or os.environ.get("KJUMP_BUILD_KERNELS"):
        return
    if not artifacts.kernel_is_cached():
        pytest.skip("the KEXEC_JUMP kernel is not in the cache; make check-full builds it")


@pytest.fixture
def way(request):
    """How the test's machines jump; artifacts.boots() has the ways."""
    return "kexec_jump" if request.node.get_closest_marker("kexec_jump") else "module"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows what its machines said last."""
    result = yield
    report = result.get_result()
    if report.failed:
        for machine in getattr(item, "machines", []):
            report.sections.append(("console", machine.tail()))


@pytest.fixture
def make_machine(tmp_path, request, way):
    """
    Machine(...) in the test's folder, killed at its end. Unless told otherwise it boots the guest,
    with PROGRAMS of the host and MODULES of the kernel in it.
    """
    machines = request.node.machines = []

    def make(folder="machine", programs=(), modules=(), **arguments):
        if not ("kernel" in arguments and "initramfs" in arguments):
            arguments = {**artifacts.boots(way, programs, modules, "initramfs" not in arguments),
                         **arguments}
        machines.append(Machine(tmp_path / folder, **arguments))
        return machines[-1]

    yield make
    for machine in machines:
        machine.kill()


@pytest.fixture
def make_system(make_machine, tmp_path):
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
