# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests boot: kernels, kernel B's initramfs and the guest; and how QEMU runs here."""

import contextlib
import fcntl
import functools
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build"
OUTPUT = BUILD / "e2e"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kjump"


# What machines boot, and take for kernel B, unless their test asks for something else.
KERNEL = ("6.12", "cloud")


@contextlib.contextmanager
def locked(name):
    """One at a time over all processes of the tests."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with open(OUTPUT / name, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def call(*command):
    """
    Run a build step, one at a time over all processes of the tests; the end of its output is shown
    only when it fails.
    """
    with locked("lock"):
        done = subprocess.run([str(word) for word in command], cwd=REPOSITORY, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        end = "\n".join(done.stdout.splitlines()[-20:])
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{end}")


@functools.lru_cache(None)
def kernel(version="6.12"):
    """
    Path of the bzImage of a test kernel, which has KEXEC_JUMP; built first when it is not in the
    cache.
    """
    script = REPOSITORY / "tests/kernel/build"
    done = subprocess.run([script, version], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())


@functools.lru_cache(None)
def kernel_is_cached(version="6.12"):
    script = REPOSITORY / "tests/kernel/build"
    return subprocess.run([script, "--cached", version], stdout=subprocess.DEVNULL).returncode == 0


def boots(way, programs=(), modules=(), guest=True):
    """
    What a machine boots, as arguments of Machine(). WAY is how its system jumps: "module", Debian's
    kernel for clouds with the jump module, or "kexec_jump", the tests' own kernel by itself. Its
    guest, unless GUEST says that none is needed, has PROGRAMS of the host and MODULES of the
    kernel, and takes the same kernel for B.
    """
    if way == "module":
        machine = {"kernel": stock_with_module(*KERNEL) / "vmlinuz",
                   "accelerator": steady_accelerator()}
        make = functools.partial(guest_with_module, *KERNEL, programs=programs, modules=modules)
    else:
        assert way == "kexec_jump", way
        machine = {"kernel": kernel()}
        make = functools.partial(guest_with, *programs) if programs else guest_of_tests
    if guest:
        machine["initramfs"] = make()
    return machine


@functools.lru_cache(None)
def tools():
    """Folder of the programs."""
    call("make", "-s", "all", "build/watched")
    return BUILD


@functools.lru_cache(None)
def stock(version, flavour):
    """Folder with one of Debian's own kernels: vmlinuz, config, modules; fetched first if need be."""
    script = REPOSITORY / "tests/kernel/stock"
    done = subprocess.run([script, version, flavour], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())


@functools.lru_cache(None)
def stock_with_module(version, flavour):
    """
    The same with the jump module built for it, installed where DKMS would. VERSION may be "newest",
    which is that of the release of Debian that FLAVOUR names.
    """
    if version == "newest":
        done = subprocess.run([REPOSITORY / "tests/kernel/newest", flavour], stdout=subprocess.PIPE,
                              text=True, check=True)
        return Path(done.stdout.strip())
    source = stock(version, flavour)
    folder = OUTPUT / f"{source.name}-module"
    with locked(f"lock-{folder.name}"):
        add_modules(source, headers(version, flavour), folder)
    return folder


@functools.lru_cache(None)
def headers(version, flavour):
    """What modules are built against for the kernel that stock() has; fetched first if need be."""
    script = REPOSITORY / "tests/kernel/headers"
    done = subprocess.run([script, version, flavour], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())


def add_modules(source, tree, folder):
    """
    Make FOLDER a copy of a kernel's with our modules in it, unless it is one already. TREE has the
    kernel's headers.
    """
    release = (source / "release").read_text().strip()
    refuse = OUTPUT / f"refuse-{release}"
    shutil.copytree(REPOSITORY / "tests/kernel/refuse", refuse, dirs_exist_ok=True)
    call("make", "-s", "module", "WERROR=1", f"KERNELDIR={tree}")
    call("make", "-s", "-C", tree, f"M={refuse}", "modules")
    built = (BUILD / "module" / release / "kjump.ko", refuse / "refuse.ko")
    copies = [folder / "modules/updates" / module.name for module in built]
    if all(copy.exists() and copy.read_bytes() == module.read_bytes()
           for module, copy in zip(built, copies)):
        return
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder, symlinks=True)
    copies[0].parent.mkdir()
    for module, copy in zip(built, copies):
        shutil.copy(module, copy)
    call("/sbin/depmod", "-b", folder, release)


@functools.lru_cache(None)
def package():
    """
    Folder with a kernel out of a package that scripts/build-kernel made: out of KJUMP_PACKAGE, or
    what was unpacked from there before.
    """
    folder = CACHE / "package-6.12-cloud"
    deb = os.environ.get("KJUMP_PACKAGE")
    if deb:
        shutil.rmtree(folder, ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        call(REPOSITORY / "tests/kernel/unpack", Path(deb).resolve(), folder)
    if not folder.exists():
        raise RuntimeError(f"{folder}: not there; run scripts/build-kernel --fix-suspend, and name "
                           f"its linux-image-*.deb in KJUMP_PACKAGE")
    return folder


@functools.lru_cache(None)
def b_initramfs(modules=None):
    """What kernel B runs; MODULES is a kernel's folder of modules."""
    path = OUTPUT / f"kjump-initramfs{name_of(modules)}.img"
    arguments = ["--modules", modules, "--all-storage"] if modules else []
    call(REPOSITORY / "initramfs/build", "--tools", tools(), *arguments, path)
    return path


@functools.lru_cache(None)
def guest_of_tests(version="6.12"):
    """The guest's initramfs; inside it test kernel VERSION serves as kernel B."""
    return make_guest(f"guest-{version}.img", kernel(version))


@functools.lru_cache(None)
def guest_with_stock_b(version, flavour):
    """The guest's initramfs; inside it one of Debian's kernels serves as kernel B."""
    folder = stock(version, flavour)
    return make_guest(f"guest-b-{folder.name}.img", folder / "vmlinuz", folder / "modules")


@functools.lru_cache(None)
def guest_with_dracut_b(version, flavour):
    """The guest's initramfs; in it, one of Debian's kernels as B, with an initramfs by dracut."""
    folder = stock(version, flavour)
    release = (folder / "release").read_text().strip()
    writer = OUTPUT / f"dracut-writer-{folder.name}.img"
    make_dracut(writer, "kjump-writer", "--no-early-microcode", "--kver", release, "--kmoddir",
                folder / "lib/modules" / release, compress="--zstd")
    path = OUTPUT / f"guest-dracut-b-{folder.name}.img"
    call(REPOSITORY / "tests/e2e/guest/build", folder / "vmlinuz", writer, tools(), path)
    return path


@functools.lru_cache(None)
def guest_of_stock(version, flavour):
    """The guest's initramfs for one of Debian's kernels itself."""
    folder = stock(version, flavour)
    return make_guest(f"guest-{folder.name}.img", folder / "vmlinuz", folder / "modules",
                      folder / "modules")


@functools.lru_cache(None)
def guest_with_module(version, flavour, b_module=True, b_version=None, programs=(), modules=()):
    """
    The guest's initramfs for one of Debian's kernels with the jump module. Kernel B is the same one
    or, of the same flavour, one of another version, with the module or without.
    """
    a = stock_with_module(version, flavour)
    b = (stock_with_module if b_module else stock)(b_version or version, flavour)
    name = "-".join(["guest", a.name, "b", b.name, *programs, *modules])
    return make_guest(f"{name}.img", b / "vmlinuz", b / "modules", a / "modules", programs,
                      ("kjump", "refuse", "ext4", "crc32c_generic", *modules))


@functools.lru_cache(None)
def guest_of_package():
    """The guest's initramfs for that kernel as A, B and C; with what encrypts disks."""
    folder = package()
    return make_guest(f"guest-{folder.name}.img", folder / "vmlinuz", folder / "modules",
                      folder / "modules", ("cryptsetup",), ("dm_crypt",))


@functools.lru_cache(None)
def guest_with(*programs):
    """The guest's initramfs with more programs of the host."""
    return make_guest(f"guest-{'-'.join(programs)}.img", kernel(), programs=programs)


def make_guest(name, b_kernel, b_modules=None, modules=None, programs=(), wanted=()):
    path = OUTPUT / name
    OUTPUT.mkdir(parents=True, exist_ok=True)
    options = ["--modules", modules] if modules else []
    config = modules and modules.parent / "config"
    options += ["--config", config] if config and config.exists() else []
    options += [word for program in programs for word in ("--program", program)]
    options += [word for module in wanted for word in ("--module", module)]
    call(REPOSITORY / "tests/e2e/guest/build", *options, b_kernel, b_initramfs(b_modules), tools(),
         path)
    return path


def name_of(modules):
    """Tells one kernel's modules from another's, in the name of what is made of them."""
    return f"-{modules.parent.name}" if modules else ""


@functools.lru_cache(None)
def root(version="6.12"):
    """The guest as a root file system, for an initramfs that restores before it is mounted."""
    path = OUTPUT / f"root-{version}.ext4"
    OUTPUT.mkdir(parents=True, exist_ok=True)
    call(REPOSITORY / "tests/e2e/guest/build", kernel(version), b_initramfs(), tools(), path)
    return path


@functools.lru_cache(None)
def systemd_root(suite):
    """A release of Debian as a root file system, with kjump installed."""
    path = OUTPUT / f"root-{suite}.ext4"
    OUTPUT.mkdir(parents=True, exist_ok=True)
    call(REPOSITORY / "tests/e2e/guest/build", "--system", debian(suite), kernel(), b_initramfs(),
         tools(), path)
    return path


DRACUT = "base rootfs-block fs-lib kjump"
DRACUT_SYSTEMD = f"{DRACUT} systemd systemd-initrd dracut-systemd"


@functools.lru_cache(None)
def dracut(init, suite=None, hook=True, more=""):
    """
    An initramfs by dracut with our module in it, unless HOOK says no; INIT is "plain" or "systemd".
    SUITE is the release of Debian whose dracut and programs it is made of, if not this machine's;
    MORE are more modules.
    """
    modules = (DRACUT if init == "plain" else DRACUT_SYSTEMD).split() + more.split()
    if not hook:
        modules.remove("kjump")
    name = "-".join(["dracut", init, *filter(None, [suite, not hook and "no-hook"]), *more.split()])
    make_dracut(OUTPUT / f"{name}.img", " ".join(modules), "--no-kernel", "--kver", "6.12-test",
                suite=suite)
    return OUTPUT / f"{name}.img"


# The other release of Debian that tests use: one with dracut-ng.
DEBIAN = "trixie"


@functools.lru_cache(None)
def debian(suite):
    """Root directory of another release of Debian; fetched first if need be."""
    script = REPOSITORY / "tests/boot/debian"
    done = subprocess.run([script, suite], stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())


# What a restore leaves in the log: the drivers that are loaded when it begins.
WITNESS = """#!/bin/sh
while read -r name _; do echo "loaded when restoring: $name" > /dev/console; done < /proc/modules
exec /usr/sbin/kjump-restore.real "$@"
"""


@functools.lru_cache(None)
def dracut_of_stock(version, flavour, drivers):
    """An initramfs by dracut for one of Debian's kernels, with DRIVERS besides those for storage."""
    folder = stock(version, flavour)
    release = (folder / "release").read_text().strip()
    path = OUTPUT / f"{'-'.join(['dracut', folder.name, *drivers.split()])}.img"
    library = OUTPUT / "witness"
    library.mkdir(parents=True, exist_ok=True)
    (library / "kjump-restore").write_text(WITNESS)
    (library / "kjump-restore").chmod(0o755)
    make_dracut(path, DRACUT_SYSTEMD, "--kver", release, "--kmoddir",
                folder / "lib/modules" / release, "--add-drivers", f"ext4 {drivers}",
                "--include", BUILD / "kjump-restore", "/usr/sbin/kjump-restore.real",
                KJUMP_LIB=str(library))
    return path


def make_dracut(path, modules, *options, compress="--no-compress", suite=None, **environment):
    path.parent.mkdir(parents=True, exist_ok=True)
    tools()
    root = ["--root", debian(suite)] if suite else []
    call("env", *(f"{name}={value}" for name, value in environment.items()),
         REPOSITORY / "tests/boot/dracut", *root, path, compress, "--modules", modules, *options)


@functools.lru_cache(None)
def initramfs_tools(suite=None):
    """An initramfs by initramfs-tools with our scripts in it; SUITE as for dracut()."""
    path = OUTPUT / f"initramfs-tools{'-' + suite if suite else ''}.img"
    OUTPUT.mkdir(parents=True, exist_ok=True)
    tools()
    root = ["--root", debian(suite)] if suite else []
    call(REPOSITORY / "tests/boot/mkinitramfs", *root, path)
    return path


@functools.lru_cache(None)
def accelerator():
    """"kvm" when a kernel really boots with it, else "tcg"; KJUMP_ACCEL overrides."""
    chosen = os.environ.get("KJUMP_ACCEL")
    if chosen:
        return chosen
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    # The answer is the host's, so it is kept until that boots anew.
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    kept = CACHE / f"accelerator-{boot}"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        kept.write_text("kvm" if kvm_boots() else "tcg")
    return kept.read_text()


def steady_accelerator():
    """
    The same for kernels that patch their own code while they run (jump labels), as distributions'
    do: emulated on several threads, a CPU may still see the breakpoint that was there meanwhile
    ("Oops: int3").
    """
    return "kvm" if accelerator() == "kvm" else "tcg,thread=single"


def kvm_boots(seconds=15):
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "console"
        qemu = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "q35", "-accel", "kvm", "-cpu", "max", "-m", "256",
             "-smp", "2", "-nodefaults", "-display", "none", "-serial", f"file:{log}",
             "-kernel", stock("6.12", "cloud") / "vmlinuz", "-append", "console=ttyS0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and qemu.poll() is None:
                # Without an initramfs the kernel gets as far as looking for a root file system.
                if log.exists() and b"Unable to mount root fs" in log.read_bytes():
                    return True
                time.sleep(0.2)
            return False
        finally:
            qemu.kill()
            qemu.wait()
