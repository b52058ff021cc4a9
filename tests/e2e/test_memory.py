# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory that comes and goes while kernel B is loaded, or between a hibernation and its restore."""

import json
import time

import pytest

from ways import WAYS, kexec_jump
from workload import free_memory

DIMM = ["-object", "memory-backend-ram,id=memory,size=256M",
        "-device", "pc-dimm,id=dimm,memdev=memory"]
AT = 1 << 32    # where QEMU puts it

# Every page of the file knows its number.
FILL = """
mkdir -p /run/fill; mount -t tmpfs -o size=90%% tmpfs /run/fill
awk 'BEGIN { for (page = 0; page < %d; page++) printf "%%4095d\\n", page }' > /run/fill/pages
sha256sum /run/fill/pages
"""


def plug(machine):
    """Plug the module in, and use it."""
    machine.monitor(f"object_add {DIMM[1]}")
    machine.monitor(f"device_add {DIMM[3]}")
    machine.run(f"until [ -d /sys/devices/system/memory/memory{AT >> 27} ]; do sleep 0.1; done; "
                "for block in /sys/devices/system/memory/memory*; do "
                "  grep -q online $block/state || echo online > $block/state; done")


def pages(system, kind):
    """How many pages of a kind the image has."""
    info = system.machine.run(f"kjump info --json {system.machine.device(system.image)}")
    return json.loads(info)["image"]["pages"][kind]


@pytest.fixture
def make_extensible(make_system):
    def make(**arguments):
        return make_system(memory="512M,slots=1,maxmem=4G", **arguments)

    return make


@pytest.mark.full
@kexec_jump
def test_module_after_load(make_extensible):
    """Kernel B is loaded anew, and what the list lacks all the same it finds by itself."""
    system = make_extensible()
    machine = system.machine
    system.boot(memory=16, cache=8)
    mark = machine.mark()
    system.checkpoint()
    before = pages(system, "ram")
    plug(machine)
    sums = machine.run(FILL % 90000, 240)
    # A list that has not heard of it.
    machine.run(f"grep -v '^ *{AT:x}-' /proc/iomem > /run/iomem; mount -o bind /run/iomem /proc/iomem")
    status, text = machine.call("kjump checkpoint")
    assert status == 1
    assert f"RAM at {AT:#x}-{AT + (256 << 20) - 1:#x} was added after kernel B was loaded" in text
    machine.run("umount /proc/iomem")
    system.checkpoint()
    assert pages(system, "ram") == before + (256 << 20) // 4096
    assert "not compared with the kernel's own" not in machine.console(mark)
    assert machine.run("sha256sum /run/fill/pages", 120) == sums
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
@kexec_jump
@pytest.mark.parametrize("there", [True, False])
def test_module_before_load(make_extensible, there):
    """Restored where the module is there when it boots, else refused by its addresses."""
    system = make_extensible()
    machine = system.machine
    system.boot(memory=16, cache=8)
    plug(machine)
    sums = machine.run(FILL % 60000, 240)
    assert f"System RAM at {AT:#x}" in machine.call("kjump check")[1]
    job = system.hibernate()
    if there:
        machine.extra += DIMM
        # Not even the test of it leaves anything changed.
        machine.boot()
        block = f"/sys/devices/system/memory/memory{AT >> 27}/state"
        machine.run(f"grep offline {block} && kjump-restore --check UUID={system.uuid()} && "
                    f"grep offline {block}", 240)
        machine.kill()
        system.restore(job)
        assert machine.run("sha256sum /run/fill/pages", 120) == sums
        system.workload.check()
        system.workload.finish()
    else:
        assert f"{AT:#x}-{AT + (256 << 20) - 1:#x} is no RAM in this boot's firmware map" in \
            system.boot_on()


@pytest.mark.full
def test_home_given_back(make_system):
    """A crash kernel's range that the system takes back is no home any more."""
    system = make_system(memory="640M", append="crashkernel=128M")
    machine = system.machine
    system.boot(memory=16, cache=8)
    assert "reserved at boot" in machine.run("kjump load")
    machine.run("echo 0 > /sys/kernel/kexec_crash_size")
    sums = machine.run(FILL % 60000, 240)
    system.checkpoint()
    assert machine.run("sha256sum /run/fill/pages", 120) == sums
    machine.run("grep -q 'reserved = no' /run/kjump/state")
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
def test_memory_error(make_system):
    """A page with an error is left out, with all other pages saved, too."""
    system = make_system(memory="1G")
    machine = system.machine
    system.boot(memory=16, cache=8)
    machine.run("echo 0x38000000 > /sys/devices/system/memory/hard_offline_page; "
                "grep 'HardwareCorrupted: *4 kB' /proc/meminfo")
    assert "1 pages have memory errors; they are left out" in machine.call("kjump check")[1]
    system.checkpoint()
    assert pages(system, "untouchable") == 1
    machine.run("echo all = yes >> /etc/kjump.conf")
    system.checkpoint()
    assert pages(system, "untouchable") == 1
    job = system.hibernate()
    system.restore(job)
    machine.run("grep 'HardwareCorrupted: *4 kB' /proc/meminfo")
    system.workload.check()
    system.workload.finish()


BALLOON = ["-device", "virtio-balloon-pci,id=balloon"]


@pytest.mark.full
@pytest.mark.parametrize("way", WAYS)
def test_balloon(make_system, way):
    """Half of the memory is the host's, comes back for the freeze, and B obeys no host."""
    system = make_system(memory="1G", extra=BALLOON, modules=("virtio_balloon",))
    machine = system.machine
    system.boot(memory=32, cache=8)
    machine.monitor("balloon 512")
    machine.run("until [ $(awk '/MemTotal/ { print $2 }' /proc/meminfo) -lt 540000 ]; "
                "do sleep 0.2; done", 120)
    for _ in range(2):
        system.checkpoint()
        system.workload.check()
    assert pages(system, "untouchable") == 0
    job = system.hibernate()
    system.restore(job)
    system.workload.check()
    machine.monitor("balloon 1024")
    machine.run("until [ $(awk '/MemTotal/ { print $2 }' /proc/meminfo) -gt 900000 ]; "
                "do sleep 0.2; done", 120)
    system.checkpoint()
    system.workload.check()
    system.workload.finish()


@pytest.mark.full
@pytest.mark.parametrize("way", WAYS)
def test_reported_pages(make_system, way):
    """
    The driver reports even while devices sleep, unless kernel threads are frozen, too: the module
    does that, and otherwise the driver is named, and without it all is well.
    """
    system = make_system(extra=[BALLOON[0], BALLOON[1] + ",free-page-reporting=on"],
                         modules=("virtio_balloon",))
    machine = system.machine
    system.boot(memory=16, cache=8)
    assert "Free page reporting enabled" in machine.run("dmesg")
    if way == "module":
        for _ in range(4):
            machine.run("dd if=/dev/zero of=/run/more bs=1M count=200 2> /dev/null; rm /run/more")
            time.sleep(1.7)  # the kernel reports two seconds after pages were freed
            system.checkpoint()
            system.workload.check()
        system.restore(system.hibernate())
        system.workload.check()
    else:
        status, text = machine.call("kjump checkpoint")
        assert status == 1
        assert "reports free pages even while devices sleep" in text
    machine.run("cd /sys/bus/virtio/drivers/virtio_balloon; echo virtio[0-9]* > unbind")
    system.checkpoint()
    system.workload.check()
    system.workload.finish()


def spare(machine):
    """MiB that may be filled until the boot had no room for an image."""
    taken = int(machine.run("""
        value() { awk -v name="$1" '$1 == name { print $NF }' "$2"; }
        kib() { awk -v name="$1" '$1 == name { print $2 }' /proc/meminfo; }
        note=/run/kjump-boot/footprint
        home=$(($(value home_size /run/kjump/state) / 1024))
        needed=$(($(value ram_kib $note) - $(value room_kib $note) + $(kib MemTotal:) / 512))
        echo 3 > /proc/sys/vm/drop_caches
        echo $(((needed - home) / 1024))"""))
    return free_memory(machine) - taken


@pytest.mark.full
@kexec_jump
def test_limit(make_system):
    """As much as is accepted is restored, by what the boot measured of itself."""
    system = make_system(memory="768M")
    machine = system.machine
    system.boot(workload=False)
    machine.power_off()
    # The measure is taken where a boot looks for an image.
    machine.boot(system.parameter)
    system.configure(f"UUID={system.uuid()}")
    system.workload.start(memory=16, cache=8)
    machine.run("kjump load")
    fill = spare(machine) - 24
    assert fill > 300, fill
    machine.run(f"mkdir /run/fill; mount -t tmpfs -o size=90% tmpfs /run/fill; "
                f"dd if=/dev/urandom of=/run/fill/pages bs=1M count={fill} 2>/dev/null", 240)
    sums = machine.run("sha256sum /run/fill/pages", 240)
    job = system.hibernate(timeout=180)
    system.restore(job, timeout=240)
    assert machine.run("sha256sum /run/fill/pages", 240) == sums
    # And no more than that: where the boot was larger by as much, and by some more.
    machine.run("kjump load")
    larger = (spare(machine) + 16) << 10
    machine.run(f"awk '$1 == \"room_kib\" {{ $3 -= {larger} }} {{ print }}' "
                "/run/kjump-boot/footprint > /run/smaller; "
                "mv /run/smaller /run/kjump-boot/footprint")
    status, text = machine.call("kjump hibernate", 30)
    assert status == 1
    assert "memory is too full" in text
    system.workload.check()
    system.workload.finish()
