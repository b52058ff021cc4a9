# SPDX-License-Identifier: GPL-2.0-or-later
"""Initramfs images as the builders of the distributions make them with our parts in."""

import os
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = REPOSITORY / "dracut-module"
BOOT = REPOSITORY / "boot"


def unpack(image, folder):
    """Unpack an uncompressed image. Returns the folder."""
    folder.mkdir()
    with open(image, "rb") as file:
        # Device nodes cannot be made by everybody, and are not looked at.
        subprocess.run(["cpio", "--quiet", "-idm", "--no-absolute-filenames"], stdin=file,
                       cwd=folder, stderr=subprocess.DEVNULL)
    return folder


SCRIPTS = ("kjump-parameters.sh", "kjump-ask.sh", "kjump-unlock.sh", "kjump-core.sh")


# All that an initramfs is made of, each of which may be gone when kjump is half removed.
PARTS = ("kjump-restore", "modules", "kjump-build.sh", *SCRIPTS)


def half_removed(folder, *missing):
    """Make a folder of all that `make install` puts there for the builders, but MISSING."""
    library = folder / "library"
    library.mkdir()
    for path in (*BOOT.glob("kjump-*.sh"), REPOSITORY / "initramfs/modules",
                 REPOSITORY / "build/kjump-restore"):
        if path.name not in missing:
            (library / path.name).symlink_to(path)
    return library


def assert_scripts(folder):
    """All that kjump-core.sh sources is there, and as it is here."""
    for name in SCRIPTS:
        assert (folder / name).read_text() == (BOOT / name).read_text()
    sourced = [line for line in (BOOT / "kjump-core.sh").read_text().splitlines()
               if line.startswith(". ")]
    assert len(sourced) == len(SCRIPTS) - 1


def kernel_modules(folder):
    """A kernel's modules, two of them for storage, two for keyboards."""
    modules = folder / "lib/modules/6.1.0-test"
    (modules / "kernel").mkdir(parents=True)
    for name in ("nvme", "nvme-core", "snd", "hid", "usbhid"):
        (modules / f"kernel/{name}.ko").write_text(name)
    subprocess.run(["xz", modules / "kernel/nvme.ko"], check=True)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo", "modules.alias"):
        (modules / name).write_text("")
    (modules / "modules.dep").write_text(
        "kernel/snd.ko:\nkernel/nvme.ko.xz: kernel/nvme-core.ko\nkernel/nvme-core.ko:\n"
        "kernel/usbhid.ko: kernel/hid.ko\nkernel/hid.ko:\n")
    return modules


def dracut(output, *options, **environment):
    done = subprocess.run([REPOSITORY / "tests/boot/dracut", output, "--no-kernel", "--no-compress",
                           "--kver", "6.1.0-test", *options], text=True,
                          env={**os.environ, **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def test_dracut_module(tmp_path):
    status, output = dracut(tmp_path / "image", "--modules", "base kjump")
    assert status == 0, output
    root = unpack(tmp_path / "image", tmp_path / "root")
    hooks = root / "lib/dracut/hooks"
    assert sorted(hook.name for hook in hooks.glob("pre-*/*kjump*")) == [
        "05-kjump-early.sh", "05-kjump-late.sh", "99-kjump-mark.sh"]
    assert (hooks / "pre-udev/05-kjump-early.sh").exists()
    assert (hooks / "pre-mount/99-kjump-mark.sh").exists()
    assert (hooks / "initqueue/finished/50-kjump-finished.sh").exists()
    assert (root / "lib/dracut/need-initqueue").exists()
    assert_scripts(root / "lib/kjump")
    version = subprocess.run([root / "usr/sbin/kjump-restore", "--version"], text=True,
                             stdout=subprocess.PIPE)
    assert version.stdout.startswith("kjump-restore ")
    # They are sourced: the shell has to live on.
    for hook in hooks.glob("pre-*/*kjump*"):
        text = hook.read_text()
        assert ". /lib/kjump/kjump-core.sh" in text
        text = f"kjump_scripts={root}/lib/kjump\n" + text.replace("/lib/", f"{root}/lib/")
        text, calls = re.subn(r"\n( *)kjump_", r"\n\1: kjump_", text)
        assert calls == 1
        text += "type kjump_restore_early > /dev/null && echo alive"
        done = subprocess.run(["dash", "-c", text],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.stdout == "alive\n"
    # A kernel without modules, and nothing of the machine that built an image for any.
    assert (root / "etc/kjump.modules").read_text() == ""
    assert (root / "etc/kjump.keyboards").read_text() == ""
    assert not (root / "etc/kjump.targets").exists()


@pytest.mark.parametrize("hook", sorted(BOOT.glob("dracut/*.sh")), ids=lambda path: path.name)
def test_dracut_hook_alone(hook):
    """
    dracut sources them all in one shell, which may be process 1; one of its main loop that fails
    keeps that waiting.
    """
    done = subprocess.run(["dash", "-ec", f". {hook}; echo alive"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (done.returncode, done.stdout) == (0, "alive\n")


def test_dracut_module_takes_keyboards(tmp_path):
    modules = kernel_modules(tmp_path)
    status, output = dracut(tmp_path / "image", "--modules", "base kjump", "--kmoddir", modules)
    assert status == 0, output
    root = unpack(tmp_path / "image", tmp_path / "root")
    assert (root / "etc/kjump.keyboards").read_text().split() == ["hid", "usbhid"]


def test_dracut_module_needs_kjump_restore(tmp_path):
    """Without the program there is nothing to put in: an error when it was asked for by name."""
    (tmp_path / "empty").mkdir()
    status, output = dracut(tmp_path / "image", "--modules", "base kjump",
                            KJUMP_LIB=str(tmp_path / "empty"))
    assert status != 0
    assert "kjump" in output


def test_dracut_writer_module(tmp_path):
    """Kernel B's whole user space, small, with a kernel's storage modules ready for insmod."""
    modules = kernel_modules(tmp_path)
    done = subprocess.run([REPOSITORY / "tests/boot/dracut", tmp_path / "image", "--no-compress",
                           "--kver", "6.1.0-test", "--kmoddir", modules, "--modules",
                           "kjump-writer", "--no-early-microcode"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "image").stat().st_size < 12 << 20
    root = unpack(tmp_path / "image", tmp_path / "root")
    assert (root / "init").read_bytes() == (REPOSITORY / "initramfs/init").read_bytes()
    assert os.access(root / "init", os.X_OK)
    for program in ("busybox", "kjump-write", "kjump-back"):
        assert os.access(root / "bin" / program, os.X_OK)
    assert (root / "lib/modules/load").read_text().split() == ["nvme-core.ko", "nvme.ko"]
    assert (root / "lib/modules/nvme.ko").read_text() == "nvme"
    assert {"proc", "sys", "dev"} <= {path.name for path in root.iterdir()}


def test_dracut_writer_is_never_included_by_itself(tmp_path):
    assert module("check", tmp_path, name="50kjump-writer", hostonly="yes")[0] == 255
    assert module("check", tmp_path, name="50kjump-writer", KJUMP_LIB="/nowhere")[0] == 1
    assert module("depends", tmp_path, name="50kjump-writer")[1] == ""


CHECK = """
moddir={module}
dracut_module_included() {{ [ "$1" = "{included}" ]; }}
dracut_module_path() {{ echo "{root}"/modules.d/??"$1"; }}
require_binaries() {{ type -P "$1" > /dev/null; }}
dwarn() {{ echo "warning: $*"; }}
dracutsysrootdir={root}
. {module}/module-setup.sh
{call}
"""


def dracut_modules(folder, *missing):
    """Make a folder with both modules as they are installed, but for MISSING."""
    modules = folder / "installed"
    if not modules.exists():
        for name in ("50kjump", "50kjump-writer"):
            (modules / name).mkdir(parents=True)
            (modules / name / "module-setup.sh").symlink_to(MODULES / name / "module-setup.sh")
        for path in (*BOOT.glob("kjump-*.sh"), REPOSITORY / "initramfs/modules"):
            if path.name not in missing:
                (modules / "50kjump" / path.name).symlink_to(path)
    return modules


def module(call, tmp_path, name="50kjump", included="", **variables):
    """Call a function of module-setup.sh as dracut does. Returns (status, output)."""
    script = CHECK.format(module=dracut_modules(tmp_path) / name, included=included, root=tmp_path, call=call)
    done = subprocess.run(["bash", "-c", script], text=True, stdout=subprocess.PIPE,
                          env={**os.environ, "KJUMP_LIB": str(REPOSITORY / "build"), **variables})
    return done.returncode, done.stdout


def test_check_follows_the_configuration(tmp_path):
    assert module("check", tmp_path)[0] == 255
    status, output = module("check", tmp_path, hostonly="yes")
    assert status == 255
    assert f"no {tmp_path}/etc/kjump.conf, so this image restores nothing" in output
    for asked in ("dracutmodules", "add_dracutmodules", "force_add_dracutmodules"):
        assert module("check", tmp_path, **{asked: "base kjump lvm"}) == (255, "")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/kjump.conf").write_text("")
    assert module("check", tmp_path)[0] == 0
    assert module("check", tmp_path, hostonly="yes")[0] == 0
    assert module("check", tmp_path, mount_needs="1")[0] == 1


@pytest.mark.parametrize("missing", PARTS)
def test_check_half_removed(tmp_path, missing):
    """What was configured and is gone is told; the image is made without."""
    library = half_removed(tmp_path, missing)
    setup = dracut_modules(tmp_path, missing) / "50kjump"
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/kjump.conf").write_text("")
    where = library if missing == "kjump-restore" else setup
    said = f"warning: kjump: {where}/{missing}: not there; this image restores nothing\n"
    # Whether it was configured, asked for, or neither: this module is still installed.
    variables = {"KJUMP_LIB": str(library)}
    assert module("check", tmp_path, **variables) == (1, said)
    assert module("check", tmp_path, **variables, add_dracutmodules="kjump") == (1, said)
    (tmp_path / "etc/kjump.conf").unlink()
    assert module("check", tmp_path, **variables) == (1, said)
    assert module("check", tmp_path, **variables, mount_needs="1") == (1, "")


def test_depends(tmp_path):
    assert module("depends", tmp_path)[1].split() == ["base"]
    assert module("depends", tmp_path, included="systemd")[1].split() == ["base", "dracut-systemd"]
    (tmp_path / "modules.d/77initqueue").mkdir(parents=True)
    assert module("depends", tmp_path)[1].split() == ["base", "initqueue"]


# --- initramfs-tools and mkinitcpio ----------------------------------------------------------------


def test_initramfs_tools(tmp_path):
    done = subprocess.run([REPOSITORY / "tests/boot/mkinitramfs", tmp_path / "image"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    with open(tmp_path / "unpacked", "wb") as file:
        subprocess.run(["gzip", "-dc", tmp_path / "image"], stdout=file, check=True)
    root = unpack(tmp_path / "unpacked", tmp_path / "root")
    assert (root / "sbin/kjump-restore").exists()
    assert_scripts(root / "lib/kjump")
    for name in ("modules", "keyboards", "targets"):
        assert (root / f"etc/kjump.{name}").exists()
    order = [line.split()[0] for line in (root / "scripts/init-top/ORDER").read_text().splitlines()
             if line.startswith("/scripts")]
    assert order.index("/scripts/init-top/kjump") < order.index("/scripts/init-top/udev")
    assert "/scripts/local-premount/kjump" in (root / "scripts/local-premount/ORDER").read_text()


@pytest.mark.parametrize("missing", PARTS)
def test_initramfs_tools_half_removed(tmp_path, missing):
    """An initramfs without the hook is made, and not none at all."""
    library = half_removed(tmp_path, missing)
    done = subprocess.run([REPOSITORY / "tests/boot/mkinitramfs", tmp_path / "image"], text=True,
                          env={**os.environ, "KJUMP_LIB": str(library)},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    assert f"{library}/{missing}: " in done.stdout and "restores nothing" in done.stdout
    with open(tmp_path / "unpacked", "wb") as file:
        subprocess.run(["gzip", "-dc", tmp_path / "image"], stdout=file, check=True)
    root = unpack(tmp_path / "unpacked", tmp_path / "root")
    assert (root / "init").exists()
    assert not (root / "sbin/kjump-restore").exists() and not (root / "lib/kjump").exists()
    # Its scripts are there, and have nothing to say.
    for name in ("init-top", "local-premount"):
        script = (root / f"scripts/{name}/kjump").read_text().replace("/lib/", f"{root}/lib/")
        done = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=True)
        assert done.stdout == b""


# As the builder does it: whatever fails in a function called add_* is counted, and errors are told
# without an end of the build.
MKINITCPIO = """
BUILDROOT={folder}/image _optmoduleroot={folder} KERNELVERSION=6.1.0-test
set -o functrace
trap '(( $? )) && [[ $FUNCNAME = add_* ]] && echo counted' RETURN
error() {{ echo "error: $*"; }}
add_module() {{ echo module "$1"; }}
add_binary() {{ echo binary "$1" "$2"; }}
add_file() {{ [[ $1 != */{fails} ]] && echo file "$1" "$2"; }}
add_runscript() {{ echo runscript; }}
{more}
. {repository}/boot/mkinitcpio/install/kjump
build
help > /dev/null
"""

MKINITCPIO_SYSTEMD = """
add_systemd_unit() { echo unit "$1"; }
add_symlink() { echo link "$1" "$2"; }
"""


def mkinitcpio(folder, library, more="", fails="nothing"):
    """Let the builder's hook add what it adds, from a kernel's modules. Returns what it said."""
    if not (folder / "lib").exists():
        kernel_modules(folder)
    script = MKINITCPIO.format(folder=folder, repository=REPOSITORY, more=more, fails=fails)
    done = subprocess.run(["bash", "-c", script], env={**os.environ, "KJUMP_LIB": str(library)},
                          text=True, stdout=subprocess.PIPE, check=True)
    return done.stdout.splitlines()


def test_mkinitcpio_install(tmp_path):
    library = half_removed(tmp_path)
    lines = mkinitcpio(tmp_path, library)
    assert lines == ["module nvme-core?", "module nvme?", "module hid?", "module usbhid?",
                     f"binary {library}/kjump-restore /usr/bin/kjump-restore",
                     *(f"file {library}/{name} /usr/lib/kjump/{name}" for name in SCRIPTS),
                     "runscript"]
    assert "nvme" in (tmp_path / "image/etc/kjump.modules").read_text().split()
    assert "usbhid" in (tmp_path / "image/etc/kjump.keyboards").read_text().split()
    assert (tmp_path / "image/etc/kjump.targets").exists()


def test_mkinitcpio_install_with_systemd(tmp_path):
    """Units in place of scripts, and the programs that these need when there is no busybox."""
    (tmp_path / "image/usr/bin").mkdir(parents=True)
    (tmp_path / "image/usr/bin/cat").touch()
    lines = mkinitcpio(tmp_path, half_removed(tmp_path), MKINITCPIO_SYSTEMD)
    assert "runscript" not in lines
    for unit in ("kjump-early.service", "kjump-late.service"):
        assert f"unit {unit}" in lines
        assert f"link /usr/lib/systemd/system/initrd.target.wants/{unit} ../{unit}" in lines
        verify = ["systemd-analyze", "verify", "--man=no", REPOSITORY / "boot/mkinitcpio" / unit]
        done = subprocess.run(verify, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout
    assert "binary sh " in lines and "binary modprobe " in lines and "binary cat " not in lines


@pytest.mark.parametrize("more", ["", MKINITCPIO_SYSTEMD], ids=["busybox", "systemd"])
@pytest.mark.parametrize("missing", PARTS)
def test_mkinitcpio_half_removed(tmp_path, missing, more):
    """Nothing is put in that would run at boot without what it needs, and the builder counts it."""
    library = half_removed(tmp_path, missing)
    assert mkinitcpio(tmp_path, library, more) == [
        f"error: kjump: {library}/{missing}: not there; this image restores nothing", "counted"]


@pytest.mark.parametrize("more", ["", MKINITCPIO_SYSTEMD], ids=["busybox", "systemd"])
def test_mkinitcpio_cannot_add(tmp_path, more):
    """What starts at boot is the last thing to be put in."""
    lines = mkinitcpio(tmp_path, half_removed(tmp_path), more, fails="kjump-ask.sh")
    assert lines[-3:] == ["counted", "error: kjump: not all of it could be added; this image "
                          "restores nothing", "counted"]
    assert not any(line.startswith(("runscript", "unit")) or "kjump-core.sh" in line
                   for line in lines)


def test_mkinitcpio_hook_alone(tmp_path):
    """
    All hooks are read by one shell, which is process 1: a "." that finds nothing would end it. With
    systemd the units are not started.
    """
    hook = (REPOSITORY / "boot/mkinitcpio/hooks/kjump").read_text()
    (tmp_path / "kjump").write_text(hook.replace("/usr/lib/kjump/", f"{tmp_path}/"))
    script = f"""
for function in run_earlyhook run_hook; do
    unset "$function"
    . {tmp_path}/kjump
    type "$function" > /dev/null 2>&1 && "$function"
done
echo alive"""
    for shell in (["busybox", "ash"], ["dash"]):
        done = subprocess.run([*shell, "-c", script], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        assert (done.returncode, done.stdout) == (0, "alive\n")
    for unit in ("kjump-early.service", "kjump-late.service"):
        lines = (REPOSITORY / "boot/mkinitcpio" / unit).read_text().splitlines()
        assert "ConditionPathExists=/usr/lib/kjump/kjump-core.sh" in lines


def test_mkinitcpio_hook(tmp_path):
    """Each function is called in another pass over all hooks, by busybox."""
    (tmp_path / "kjump-core.sh").write_text(
        "kjump_restore_early() { echo early; }\n"
        "kjump_restore_late() { echo late; }\n"
        "kjump_mark_before_root() { echo on; }\n")
    hook = (REPOSITORY / "boot/mkinitcpio/hooks/kjump").read_text()
    hook = hook.replace("/usr/lib/kjump/", f"{tmp_path}/")
    done = subprocess.run(["busybox", "ash", "-c", f"{hook}\nrun_earlyhook; echo udev; run_hook"],
                          text=True, stdout=subprocess.PIPE, check=True)
    assert done.stdout.split() == ["early", "udev", "late", "on"]


# --- the key of sealed images ----------------------------------------------------------------------

TOKEN = """{"type":"systemd-%s","keyslots":["0"],"tpm2-blob":"AA==","tpm2-pcrs":[7],
"tpm2-pcr-bank":"sha256","tpm2-primary-alg":"ecc","tpm2-policy-hash":"aa","tpm2-pin":false,
"fido2-credential":"AA==","fido2-salt":"AA==","fido2-rp":"x"}"""


@pytest.fixture(scope="module")
def make_container(tmp_path_factory):
    """A LUKS2 container as `kjump key create` makes it, with tokens of these kinds."""
    def make(*kinds):
        path = tmp_path_factory.mktemp("key") / "key.luks"
        with open(path, "wb") as file:
            file.truncate((2 << 20) + 4096)
        subprocess.run(["cryptsetup", "luksFormat", "-q", "--type", "luks2", "--pbkdf", "pbkdf2",
                        "--pbkdf-force-iterations", "1000", "--luks2-metadata-size", "16k",
                        "--luks2-keyslots-size", "2064384", "--key-file", "-", path],
                       input=b"secret", check=True, stderr=subprocess.DEVNULL)
        for kind in kinds:
            subprocess.run(["cryptsetup", "token", "import", "--json-file", "-", path], text=True,
                           input=TOKEN % kind, check=True)
        return path

    return make


def assert_key(root, container, kinds, plugins=True):
    """The container as it is, for root alone, what unlocks it, and what opens it and is loaded."""
    held = root / "etc/kjump/key.luks"
    assert held.read_bytes() == container.read_bytes()
    assert held.stat().st_mode & 0o077 == 0
    assert (root / "etc/kjump.unlock").read_text().split() == list(kinds)
    there = {path.name for path in root.rglob("*")}
    assert {"cryptsetup", "libgcc_s.so.1"} <= there
    assert any(name.startswith("libcryptsetup.so.") for name in there)
    assert any(name.startswith("libargon2.so.") for name in there)
    assert {name for name in there if name.startswith("libcryptsetup-token")} == \
        {f"libcryptsetup-token-systemd-{kind}.so" for kind in kinds}
    assert not (root / "etc/kjump.files").exists()
    assert_libraries_whole(root)


def assert_libraries_whole(root):
    """What a library needs is there as well, also of one that nothing is linked to."""
    there = {path.name for path in root.rglob("*")}
    wanted = [path for name in ("libcryptsetup*", "libtss2*", "libfido2*") for path in root.rglob(f"{name}.so*")]
    assert wanted
    for path in wanted:
        host = Path("/", path.relative_to(root))
        if path.is_symlink() or not host.exists():
            continue
        linked = subprocess.run(["ldd", host], text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL).stdout
        missing = {line.split()[0] for line in linked.splitlines() if " => /" in line} - there
        assert not missing, f"{path.name} needs {missing}"


@pytest.mark.parametrize("kinds", [(), ("tpm2",), ("fido2", "tpm2")], ids=lambda kinds: "-".join(kinds))
def test_kinds(host, make_container, kinds):
    container = make_container("recovery", *kinds)
    assert host.call(f"kjump_key={container}; kjump_unlock_kinds") == list(kinds)


def test_no_key(host):
    assert host.call("kjump_key=/nowhere; kjump_unlock_kinds || echo no") == ["no"]
    assert host.call(f"kjump_key=/nowhere; kjump_unlock_modules {kernel_modules(host.folder)}") == []


def test_drivers_of_a_container(host, make_container):
    """Of what a kernel has as modules, these and what they need; no graphics."""
    host.program("find-modules", f'exec {REPOSITORY}/initramfs/modules "$@"')
    modules = kernel_modules(host.folder)
    with open(modules / "modules.dep", "a") as file:
        file.write("kernel/dm-crypt.ko: kernel/dm-mod.ko\nkernel/dm-mod.ko:\nkernel/loop.ko.xz:\n"
                   "kernel/tpm_tis.ko: kernel/tpm_tis_core.ko\nkernel/tpm_tis_core.ko:\n"
                   "kernel/tpm_crb.ko:\nkernel/i915.ko:\n")
    assert host.call(f"kjump_key={make_container()}; kjump_unlock_modules {modules}") == [
        "loop", "dm-mod", "dm-crypt", "tpm_tis_core", "tpm_tis", "tpm_crb"]


@pytest.mark.parametrize("kinds", [(), ("tpm2",)], ids=["passphrase", "tpm2"])
@pytest.mark.parametrize("systemd", [False, True], ids=["plain", "systemd"])
def test_dracut_module_takes_key(tmp_path, make_container, systemd, kinds):
    container = make_container(*kinds)
    more = " systemd systemd-initrd dracut-systemd" if systemd else ""
    status, output = dracut(tmp_path / "image", "--modules", f"base kjump{more}",
                            KJUMP_KEY=str(container))
    assert status == 0, output
    root = unpack(tmp_path / "image", tmp_path / "root")
    assert_key(root, container, kinds)
    assert (root / "usr/lib/systemd/systemd-cryptsetup").exists() == systemd
    assert (root / "etc/kjump.crypto").exists()


def test_dracut_module_without_key(tmp_path):
    status, output = dracut(tmp_path / "image", "--modules", "base kjump", KJUMP_KEY="/nowhere")
    assert status == 0, output
    root = unpack(tmp_path / "image", tmp_path / "root")
    assert not (root / "etc/kjump").exists() and not (root / "etc/kjump.unlock").exists()
    assert not list(root.rglob("cryptsetup"))


def test_initramfs_tools_takes_key(tmp_path, make_container):
    container = make_container("tpm2")
    done = subprocess.run([REPOSITORY / "tests/boot/mkinitramfs", tmp_path / "image"], text=True,
                          env={**os.environ, "KJUMP_KEY": str(container)},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    with open(tmp_path / "unpacked", "wb") as file:
        subprocess.run(["gzip", "-dc", tmp_path / "image"], stdout=file, check=True)
    assert_key(unpack(tmp_path / "unpacked", tmp_path / "root"), container, ["tpm2"])


@pytest.mark.parametrize("more", ["", MKINITCPIO_SYSTEMD], ids=["busybox", "systemd"])
def test_mkinitcpio_takes_key(tmp_path, make_container, more):
    (tmp_path / "image/usr/bin").mkdir(parents=True)
    container = make_container("tpm2")
    library = half_removed(tmp_path)
    script = "export KJUMP_KEY=" + str(container) + more
    lines = mkinitcpio(tmp_path, library, script)
    assert f"file {container} /etc/kjump/key.luks" in lines
    added = [line.split()[1] for line in lines if line.startswith("binary /")]
    names = [path.split("/")[-1] for path in added]
    assert {"cryptsetup", "libgcc_s.so.1", "libcryptsetup-token-systemd-tpm2.so"} <= set(names)
    assert ("systemd-cryptsetup" in names) == bool(more)
    assert (tmp_path / "image/etc/kjump.unlock").read_text() == "tpm2\n"
    # What starts at boot is still the last.
    assert not any(line.startswith("error:") for line in lines)


@pytest.mark.parametrize("builder", ["dracut", "initramfs-tools"])
def test_key_without_cryptsetup(tmp_path, make_container, builder):
    """Told, and everything else is there."""
    script = (BOOT / "kjump-build.sh").read_text()
    library = half_removed(tmp_path, "kjump-build.sh")
    (library / "kjump-build.sh").write_text(script.replace("command -v cryptsetup", "false"))
    environment = {"KJUMP_KEY": str(make_container()), "KJUMP_LIB": str(library)}
    if builder == "dracut":
        setup = dracut_modules(tmp_path) / "50kjump"
        (setup / "kjump-build.sh").unlink()
        (setup / "kjump-build.sh").write_text(script.replace("command -v cryptsetup", "false"))
        status, output = module("kjump_install_key", tmp_path, initdir=str(tmp_path), **environment)
        assert "cryptsetup: not there" in output
        assert not (tmp_path / "etc/kjump.files").exists()
        return
    done = subprocess.run([REPOSITORY / "tests/boot/mkinitramfs", tmp_path / "image"], text=True,
                          env={**os.environ, **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0 and "cryptsetup: not there" in done.stdout
    with open(tmp_path / "unpacked", "wb") as file:
        subprocess.run(["gzip", "-dc", tmp_path / "image"], stdout=file, check=True)
    root = unpack(tmp_path / "unpacked", tmp_path / "root")
    assert (root / "lib/kjump/kjump-core.sh").exists() and not (root / "etc/kjump/key.luks").exists()


# --- kjump-build.sh -------------------------------------------------------------------------------


class Host:
    """Disks and configuration of a machine that is none."""

    def __init__(self, folder):
        self.folder = folder
        self.sys, self.dev, self.bin = folder / "sys", folder / "dev", folder / "bin"
        self.conf = folder / "kjump.conf"
        (self.sys / "class/block").mkdir(parents=True)
        self.dev.mkdir()
        self.bin.mkdir()
        self.program("findfs", "exit 1")
        self.program("blkid", "exit 2")

    def program(self, name, text):
        (self.bin / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.bin / name).chmod(0o755)

    def findfs(self, spec, device):
        self.program("findfs", f'[ "$1" = "{spec}" ] && echo {self.dev}/{device}')

    def tags(self, **tags):
        """What blkid finds on the device: `blkid -s TAG -o value DEVICE`."""
        self.program("blkid", "case $2 in\n" + "".join(
            f'{tag}) echo "{value}" ;;\n' for tag, value in tags.items()) + "*) exit 2 ;;\nesac")

    def disk(self, path, parts=()):
        """A disk in /sys, with partitions."""
        disk = self.sys / "devices" / path
        disk.mkdir(parents=True)
        for folder in (disk, *(disk / part for part in parts)):
            folder.mkdir(exist_ok=True)
            (self.sys / "class/block" / folder.name).symlink_to(folder)
            (self.dev / folder.name).touch()
        for part in parts:
            (disk / part / "partition").touch()
        return disk

    def call(self, function):
        done = subprocess.run(
            ["dash", "-eu", "-c", f". {BOOT}/kjump-build.sh; kjump_sys={self.sys}; "
             f"kjump_conf={self.conf}; kjump_find_modules=find-modules; {function}"],
            text=True, stdout=subprocess.PIPE,
            env={**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}"})
        assert done.returncode == 0
        return done.stdout.splitlines()


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_drivers(host):
    """With and without those of other machines; none where the kernel has no modules."""
    finder = "[ $1 = --all-storage ] && printf '%s\\n' ahci nvme || printf '%s\\n' sd_mod ahci"
    host.program("find-modules", finder)
    modules = kernel_modules(host.folder)
    assert host.call(f"kjump_modules {modules} here") == ["sd_mod", "ahci"]
    assert host.call(f"kjump_modules {modules} any") == ["sd_mod", "ahci", "nvme"]
    assert host.call("kjump_modules /nowhere any") == []


def test_keyboards(host):
    host.program("find-modules", "echo \"$@\"")
    modules = kernel_modules(host.folder)
    assert host.call(f"kjump_keyboards {modules}") == [f"--keyboards --names {modules}"]
    assert host.call("kjump_keyboards /nowhere") == []


@pytest.mark.parametrize("text", ["", "# target = UUID=x\n", "target = UUID=x\n target =  \n"])
def test_no_target(host, text):
    """The last line counts, also one that takes the target away."""
    host.conf.write_text(text)
    assert host.call("kjump_targets") == []
    assert host.call("kjump_configured || echo none") == ["none"]


def test_targets(host):
    disk = host.disk("pci0/block/sda", parts=["sda2"])
    host.conf.write_text("# target = /dev/old\ntarget = UUID=old\nlevel = 3\n  target=UUID=1-2  \n")
    host.findfs("UUID=1-2", "sda2")
    host.tags(UUID="1-2", TYPE="swsuspend", PARTUUID="3-4")
    names = ["UUID=1-2", f"{host.dev}/sda2", "PARTUUID=3-4"]
    assert host.call("kjump_targets") == [f"early {name}" for name in names]
    (disk / "md").mkdir()
    assert host.call("kjump_targets") == [f"late {name}" for name in names]


def test_names_with_blanks(host):
    """As blkid prints them, and as udev writes them."""
    host.disk("pci0/block/sda")
    host.conf.write_text("target = LABEL=x y\n")
    host.findfs("LABEL=x y", "sda")
    host.tags(LABEL="x y", PARTLABEL="a b c")
    assert host.call("kjump_targets") == [f"early {name}" for name in (
        "LABEL=x y", f"{host.dev}/sda", "LABEL=x\\x20y", "PARTLABEL=a b c",
        "PARTLABEL=a\\x20b\\x20c")]


@pytest.mark.parametrize("by_path", [False, True])
def test_target_in_a_file(host, by_path):
    """By the name that a boot has for it; its path is told by nothing but its own first bytes."""
    disk = host.disk("pci0/block/sda", parts=["sda2"])
    host.findfs("UUID=1A2B-3C4D", "sda2")
    host.tags(UUID="1A2B-3C4D", TYPE="vfat", PARTUUID="3-4")
    path = host.folder / "kjump.img"
    path.write_bytes(b"\x89KJFILE\n" + bytes(8) + (123456 * 4096).to_bytes(8, "little") + bytes(24)
                     + b"UUID=1A2B-3C4D" + bytes(65000))
    place = f"@{123456 * 4096}"
    host.conf.write_text(f"target = {path if by_path else 'UUID=1A2B-3C4D' + place}\n")
    names = [f"{name}{place}" for name in ("UUID=1A2B-3C4D", f"{host.dev}/sda2", "PARTUUID=3-4")]
    assert host.call("kjump_targets") == [f"early {name}" for name in names]
    (disk / "dm").mkdir()
    assert host.call("kjump_targets") == [f"late {name}" for name in names]


@pytest.mark.parametrize("name", ["LABEL=a@1", "UUID=a@", "UUID=a@b", "/dev/a@1"])
def test_names_that_are_no_files(host, name):
    assert host.call(f"kjump_place '{name}' || echo no") == ["no"]


@pytest.mark.parametrize("target", ["UUID=1-2", "/dev/vg/lv"])
def test_target_on_a_volume(host, target):
    """What findfs prints, and what people write, is a link to the device's own name."""
    disk = host.disk("virtual/block/dm-0")
    (disk / "dm").mkdir()
    (host.dev / "mapper").mkdir()
    (host.dev / "mapper/vg-lv").symlink_to("../dm-0")
    target = target.replace("/dev/vg/lv", f"{host.dev}/mapper/vg-lv")
    host.conf.write_text(f"target = {target}\n")
    host.findfs("UUID=1-2", "mapper/vg-lv")
    host.tags(UUID="1-2")
    assert host.call("kjump_targets") == [f"late {name}" for name in dict.fromkeys(
        [target, f"{host.dev}/dm-0", "UUID=1-2"])]


@pytest.mark.parametrize("text", [None, "", "level = 1\n", "target = UUID=absent\n", "target =\n"])
def test_no_target(host, text):
    if text is not None:
        host.conf.write_text(text)
    assert host.call("kjump_targets") == []
