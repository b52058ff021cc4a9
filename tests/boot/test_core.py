# SPDX-License-Identifier: GPL-2.0-or-later
"""
kjump-core.sh in the shells of the initramfs systems. kjump-restore is a stand-in that restores
nothing, but kernel parameters are read by the real one.
"""

import os
import subprocess
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CORE = REPOSITORY / "boot/kjump-core.sh"

SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"], "bash": ["bash", "--posix"]}

# Each line of `answers` is what the next call does: a status, with the reason behind it, or the key
# for --ask.
RESTORE = f"""#!/bin/sh
[ "$1" != --parameter ] || exec {REPOSITORY}/build/kjump-restore "$@"
# With a key, what waits there, and where a passphrase fits.
[ "$1" != --waits ] || {{ cat "$STUB/waits" 2> /dev/null && exit; exit "$(cat "$STUB/waits-status")"; }}
[ "$1" != --unlock ] || {{ shift 3; printf secret | "$@"; exit; }}
[ "$1" != --answer ] || {{ echo "$*" >> "$STUB/answered"; exit; }}
# Only once: it is gone for whoever reads later.
[ "$1" != --key-fd ] || cat <&3 > "$STUB/key"
[ "$1" != --find ] || exit "$(cat "$STUB/find" 2> /dev/null || echo 0)"
printf "%s\\n" "$*" >> "$STUB/calls"
read -r answer reason < "$STUB/answers"
sed -i 1d "$STUB/answers"
case $1 in
--ask) echo "$answer" ;;
*)
    echo "stub: said on standard error" >&2
    [ -z "$reason" ] || echo "$reason"
    exit "$answer"
    ;;
esac
"""

# Opens the container with a TPM, or the passphrase, where these are files.
CRYPTSETUP = """#!/bin/sh
echo "cryptsetup $*" >> "$STUB/luks"
[ "$DM_DISABLE_UDEV" = 1 ] || exit 99
case "$*" in
*--token-only*) [ -e "$STUB/tpm" ] || exit 1; echo payload > "$STUB/dev/mapper/kjump-key" ;;
open*) [ "$(cat)" = "$(cat "$STUB/passphrase")" ] || exit 2; echo payload > "$STUB/dev/mapper/kjump-key" ;;
close*) rm "$STUB/dev/mapper/kjump-key" ;;
esac
"""

# A splash screen that shows nothing else until it is told to.
PLYMOUTH = """#!/bin/sh
[ -e "$STUB/splash" ] || exit 1
[ "$1" = --ping ] || { echo "plymouth $*" >> "$STUB/calls"; echo "splash: $1" >&2; }
"""

MODPROBE = """#!/bin/sh
echo "$*" >> "$STUB/modprobe"
exit 1
"""


class Boot:
    """One boot: the hooks run in one shell each, as in a systemd initramfs."""

    def __init__(self, shell, folder):
        self.shell, self.folder = shell, folder
        self.bin, self.state, self.etc = folder / "bin", folder / "state", folder / "etc"
        self.proc = folder / "proc"
        for path in (self.bin, self.etc, self.proc):
            path.mkdir()
        for name, text in (("kjump-restore", RESTORE), ("modprobe", MODPROBE),
                           ("plymouth", PLYMOUTH), ("cryptsetup", CRYPTSETUP)):
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)
        self.pass_time(100)

    def run(self, *functions, cmdline="", answers=()):
        """Run the hooks. Returns what they say; what was called is in .calls."""
        (self.proc / "cmdline").write_text(f"BOOT_IMAGE=/vmlinuz {cmdline} quiet\n")
        (self.folder / "answers").write_text("".join(f"{answer}\n" for answer in answers))
        self.calls_file.write_text("")
        output = ""
        for function in functions:
            done = subprocess.run(
                [*SHELLS[self.shell], "-u", "-c", f"""
                kjump_scripts={CORE.parent}
                . {CORE}
                kjump_state={self.state} kjump_etc={self.etc} kjump_proc={self.proc}
                kjump_power_off() {{ echo POWER OFF "$1" >&2; kill -9 $$; }}
                kjump_dev={self.folder}/dev kjump_askpass={self.folder}/askpass
                kjump_systemd_cryptsetup() {{ return 1; }}
                # busybox has a modprobe of its own, which it prefers.
                modprobe() {{ "{self.bin}/modprobe" "$@"; }}
                kjump_restart() {{ echo RESTART "$1" >&2; kill -9 $$; exit 1; }}
                kjump_shell() {{ echo SHELL "$1" >&2; }}
                {function}
                echo status $? >&2
                """],
                env={**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}",
                     "STUB": str(self.folder)},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True, timeout=20)
            assert done.stdout == ""
            # Whatever happens, the hook succeeds and the shell that sourced it lives.
            assert "status 0" in done.stderr or "POWER OFF" in done.stderr or \
                "RESTART" in done.stderr, done.stderr
            output += done.stderr
        assert (self.folder / "answers").read_text() == "", "fewer calls than expected"
        return output

    def pass_time(self, now):
        """The clock stands at NOW seconds after the start of the kernel."""
        (self.proc / "uptime").write_text(f"{now}.57 300.10\n")

    @property
    def calls_file(self):
        return self.folder / "calls"

    @property
    def calls(self):
        return self.calls_file.read_text().splitlines()


HOOKS = ("kjump_restore_early", "kjump_restore_late", "kjump_mark_before_root")
MARK = "--boot-on booted on without restoring"
ASK = "--ask 10"


@pytest.fixture(params=SHELLS)
def boot(request, tmp_path):
    return Boot(request.param, tmp_path)


def test_without_parameter_nothing_happens(boot):
    """But that the hook was there is known."""
    output = boot.run(*HOOKS, "kjump_mark_in_system", cmdline="rd.kjump=1 resume=/dev/sda2")
    assert boot.calls == []
    assert "kjump" not in output
    assert [path.name for path in boot.state.iterdir()] == ["hook"]


def test_without_parameter_the_system_leaves_no_trace(boot):
    boot.run("kjump_mark_in_system")
    assert not boot.state.exists()


def test_failure_asks_then_boots_on_and_marks(boot):
    """With the reason, which is the only one that anybody will be told later."""
    output = boot.run(*HOOKS, cmdline="rd.kjump.resume=UUID=1-2",
                      answers=["1 chunk 35: checksum mismatch", "c", 0])
    assert boot.calls == ["--wait 5 UUID=1-2", ASK, "--wait 0 --boot-on booted on: chunk 35: "
                          "checksum mismatch UUID=1-2"]
    assert "UUID=1-2: not restored (kjump-restore: status 1)" in output
    assert "stub: said on standard error" in output


def test_stopped_at_the_console(boot):
    """Whoever stopped it is not asked again, whatever the parameter says."""
    output = boot.run(*HOOKS, cmdline="rd.kjump.resume=X rd.kjump.onfail=poweroff",
                      answers=["4 stopped at the console", 0])
    assert boot.calls == ["--wait 5 X", "--wait 0 --boot-on booted on: stopped at the console X"]
    assert "X: stopped; booting on" in output
    assert (boot.state / "outcome").read_text() == "failed\n"


def test_lost(boot):
    """Marked already by kjump-restore: neither tried again nor marked with another reason."""
    boot.run(*HOOKS, "kjump_mark_in_system", cmdline="rd.kjump.resume=X",
             answers=["7 file system changed", "c"])
    assert boot.calls == ["--wait 5 X", f"{ASK} --no-retry"]


@pytest.mark.parametrize("status", [2, 5, 127, 139])
def test_whatever_fails_the_boot_goes_on(boot, status):
    boot.run(*HOOKS, cmdline="rd.kjump.resume=X", answers=[status, "", 1])
    assert boot.calls[2] == f"--wait 0 {MARK} X"


def test_retry(boot):
    """No attempt of a boot's: somebody asked for it."""
    boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X rd.kjump.again",
             answers=[1, "r", 1, "r", 3])
    assert boot.calls == ["--wait 5 --again X", ASK, "--wait 5 --again --retry X", ASK,
                          "--wait 5 --again --retry X"]


def test_power_off_leaves_the_image(boot):
    output = boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X", answers=[1, "p"])
    assert boot.calls == ["--wait 5 X", "--ask 10"]
    assert "POWER OFF X" in output


@pytest.mark.parametrize("onfail, asked", [
    ("boot", None), ("wait=3", "3"), ("wait", "10"), ("wait=", "10"), ("wait=x", "10"),
    ("nonsense", "10"), ("wait=0", "0"),
])
def test_onfail(boot, onfail, asked):
    answers = [1, "c", 0] if asked else [1, 0]
    boot.run(*HOOKS, cmdline=f"rd.kjump.resume=X rd.kjump.onfail={onfail}", answers=answers)
    assert [call for call in boot.calls if "--ask" in call] == ([f"--ask {asked}"] if asked else [])
    assert boot.calls[-1] == f"--wait 0 {MARK} X"


def test_onfail_poweroff(boot):
    output = boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X rd.kjump.onfail=poweroff",
                      answers=[1])
    assert "POWER OFF X" in output


def test_onfail_reboot(boot):
    """The next boot may find another memory map; how often, kjump-restore counts."""
    cmdline = "rd.kjump.resume=X rd.kjump.onfail=reboot"
    output = boot.run("kjump_restore_early", cmdline=cmdline, answers=["1 memory map", 0])
    assert boot.calls == ["--wait 5 X", "--count-reboot X"]
    assert "RESTART X" in output

    output = boot.run(*HOOKS, cmdline=cmdline, answers=["1 memory map", 1, "c", 0])
    assert boot.calls == ["--wait 5 X", "--count-reboot X", ASK,
                          "--wait 0 --boot-on booted on: memory map X"]
    assert "RESTART" not in output


@pytest.mark.parametrize("status, ask", [(7, "--ask 10 --no-retry"), (8, "--ask infinity")])
def test_onfail_reboot_is_not_for_all(boot, status, ask):
    boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X rd.kjump.onfail=reboot",
             answers=[f"{status} why", "c"])
    assert boot.calls == ["--wait 5 X", ask]


def test_handed_over(boot):
    """An image that did not come back is kept until somebody decides, and r restores it again."""
    boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X",
             answers=["8 never came back", "r", "8 never came back", "c"])
    assert boot.calls == ["--wait 5 X", "--ask infinity", "--wait 5 --again --retry X",
                          "--ask infinity"]
    boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X rd.kjump.onfail=wait=20",
             answers=["8 never came back", "c"])
    assert boot.calls == ["--wait 5 X", "--ask 20"]


def test_onfail_shell(boot):
    output = boot.run(*HOOKS, cmdline="rd.kjump.resume=X rd.kjump.onfail=shell", answers=[1, 0])
    assert "SHELL X" in output
    assert boot.calls[-1] == f"--wait 0 {MARK} X"


@pytest.mark.parametrize("switch", ["noresume", "rd.kjump=0", "rd.kjump=no", "rd.kjump=No",
                                    "rd.kjump=False", "rd.kjump=1 rd.kjump=off"])
def test_switched_off(boot, switch):
    """Nothing is restored, and the image outdated: the device may have to be waited for."""
    output = boot.run(*HOOKS, cmdline=f"rd.kjump.resume=X {switch}", answers=[0])
    assert boot.calls == ["--wait 10 --boot-on booted on: restoring was switched off X"]
    assert "switched off" in output
    assert (boot.state / "off").read_text() == "yes\n"


@pytest.mark.parametrize("kind", ["early", "unknown", "late"])
@pytest.mark.parametrize("switch", ["noresume", "rd.kjump=0"])
def test_switched_off_does_not_wait_for_ever(boot, switch, kind):
    """Nobody is asked there, and whoever switched it off wants the machine to boot."""
    if kind != "unknown":
        (boot.etc / "kjump.targets").write_text(f"{kind} X\n")
    cmdline = f"rd.kjump.resume=X rd.kjump.timeout=infinity {switch}"
    boot.run(*HOOKS, cmdline=cmdline, answers=[6])
    assert boot.calls == ["--wait 60 --boot-on booted on: restoring was switched off X"]
    boot.run("kjump_mark_in_system", cmdline=cmdline, answers=[0])
    assert boot.calls == ["--wait 60 --boot-on booted on: restoring was switched off X"]


def test_the_service_does_not_wait_for_ever(boot):
    boot.run("kjump_mark_in_system", cmdline="rd.kjump.resume=X rd.kjump.timeout=infinity", answers=[6])
    assert boot.calls == [f"--wait 60 {MARK} X"]


@pytest.mark.parametrize("switch", ["rd.kjump=1", "rd.kjump=yes", "rd.kjump", "noresume=0",
                                    "x=\"noresume\"", "dyndbg=\"file x.c +p; noresume\"",
                                    "-- noresume"])
def test_not_switched_off(boot, switch):
    boot.run("kjump_restore_early", cmdline=f"rd.kjump.resume=X {switch}", answers=[3])
    assert boot.calls == ["--wait 5 X"]
    assert not (boot.state / "off").exists()


@pytest.mark.parametrize("again, option", [
    ("rd.kjump.again", "--again "), ("rd.kjump.again=1", "--again "), ("rd.kjump.again=0", ""),
    ("rd.kjump.again=No", ""), ("rd.kjump.again rd.kjump.again=off", "")])
def test_again(boot, again, option):
    boot.run("kjump_restore_early", cmdline=f"rd.kjump.resume=X {again}", answers=[3])
    assert boot.calls == [f"--wait 5 {option}X"]


@pytest.mark.parametrize("parameter, option", [
    ("rd.kjump.cpus=2", "--cpus=2 "), ("rd.kjump.cpus", ""), ("rd.kjump.cpus=", "")])
def test_cpus(boot, parameter, option):
    boot.run("kjump_restore_early", cmdline=f"rd.kjump.resume=X {parameter}", answers=[3])
    assert boot.calls == [f"--wait 5 {option}X"]


def test_nothing_there(boot):
    """A device without an image is not looked at again."""
    output = boot.run(*HOOKS, cmdline="rd.kjump.resume=X", answers=[3])
    assert boot.calls == ["--wait 5 X"]
    assert "there is nothing to restore" in output


# --- devices that come late -----------------------------------------------------------------------


def test_late_device_is_restored(boot):
    """It was not there early, and is tried when it is: not marked."""
    (boot.etc / "kjump.targets").write_text("early UUID=disk\n")
    output = boot.run(*HOOKS, cmdline="rd.kjump.resume=UUID=disk", answers=[6, "1 damaged", "c", 0])
    assert boot.calls == ["--wait 10 UUID=disk", "--wait 10 UUID=disk", ASK,
                          "--wait 0 --boot-on booted on: damaged UUID=disk"]
    assert "nothing to restore" not in output


def test_absent_device_is_asked_about(boot):
    """It may hold a session: whoever knows can bring it, or switch off."""
    output = boot.run(*HOOKS, cmdline="rd.kjump.resume=X", answers=[6, 6, "r", 6, "c", 6])
    assert boot.calls == ["--wait 5 X", "--wait 10 X", ASK, "--wait 10 X", ASK, f"--wait 0 {MARK} X"]
    assert "nothing to restore" not in output
    assert "not there, so a system that is saved on it cannot be restored" in output
    assert "not there, so an image on it was not marked" in output


def test_absent_device_with_onfail_boot(boot):
    boot.run(*HOOKS, cmdline="rd.kjump.resume=X rd.kjump.onfail=boot", answers=[6, 6, 6])
    assert [call for call in boot.calls if "--ask" in call] == []


def test_absent_device_is_left_to_the_system(boot):
    boot.run(*HOOKS, cmdline="rd.kjump.resume=X rd.kjump.onfail=boot", answers=[6, 6, 6])
    boot.run("kjump_mark_in_system", cmdline="rd.kjump.resume=X", answers=[0])
    assert boot.calls == [f"--wait 0 {MARK} X"]


def test_the_time_counts_once(boot):
    """What an attempt waited is no more there for the next one."""
    (boot.etc / "kjump.targets").write_text("early X\n")
    # Each look at the clock takes 4 seconds.
    slow = f"kjump_now() {{ read -r n < {boot.folder}/n; n=$((n + 4)); echo $n | tee {boot.folder}/n; }}; "
    (boot.folder / "n").write_text("100\n")
    boot.run(slow + "kjump_restore_early", cmdline="rd.kjump.resume=X", answers=[6])
    boot.run("kjump_restore_late", cmdline="rd.kjump.resume=X", answers=[3])
    assert boot.calls == ["--wait 6 X"]


@pytest.mark.parametrize("kind, waits", [("early", ["10", "infinity"]), ("unknown", ["5", "infinity"]),
                                         ("late", ["infinity"])])
def test_waiting_for_ever(boot, kind, waits):
    """Not before udev runs: it may load the driver that is missing."""
    if kind != "unknown":
        (boot.etc / "kjump.targets").write_text(f"{kind} X\n")
    boot.run("kjump_restore_early", "kjump_restore_late",
             cmdline="rd.kjump.resume=X rd.kjump.timeout=infinity", answers=[6] * (len(waits) - 1) + [3])
    assert boot.calls == [f"--wait {wait} X" for wait in waits]


def test_known_kinds(boot):
    (boot.etc / "kjump.targets").write_text("early UUID=disk\nearly /dev/vg/odd name\nlate UUID=lv\n")
    boot.run(*HOOKS, cmdline="rd.kjump.resume=UUID=disk", answers=[3])
    assert boot.calls == ["--wait 10 UUID=disk"]


@pytest.mark.parametrize("target", ["UUID=lv", "/dev/mapper/x", "/dev/vg/lv", "/dev/md0", "/dev/dm-3"])
def test_late_targets(boot, target):
    (boot.etc / "kjump.targets").write_text("late UUID=lv\n")
    cmdline = f"rd.kjump.resume={target} rd.kjump.timeout=4"
    boot.run("kjump_restore_early", cmdline=cmdline)
    assert boot.calls == []
    boot.run("kjump_restore_late", "kjump_mark_before_root", cmdline=cmdline, answers=[1, "c", 0])
    assert boot.calls == [f"--wait 4 {target}", "--ask 10", f"--wait 0 {MARK} {target}"]


@pytest.mark.parametrize("target", ["/dev/sda2", "/dev/nvme0n1p4", "/dev/disk/by-id/x"])
def test_plain_paths_are_early(boot, target):
    boot.run("kjump_restore_early", cmdline=f"rd.kjump.resume={target}", answers=[1, "c"])
    boot.run("kjump_restore_late", cmdline=f"rd.kjump.resume={target}")
    assert boot.calls == []


# --- parameters -----------------------------------------------------------------------------------


def test_parameters(boot):
    boot.run("kjump_restore_early", cmdline='rd.kjump.resume=old "rd.kjump.resume=PARTLABEL=a b?*" '
             'rd.kjump.resume="LABEL=x" rd.kjump.timeout=7 rd.kjump.again rd.kjump.onfail=boot',
             answers=[1])
    assert boot.calls == ["--wait 3 --again LABEL=x"]


@pytest.mark.parametrize("cmdline, target", [
    ('rd.kjump.resume="PARTLABEL=my disk"', "PARTLABEL=my disk"),
    ('"rd.kjump.resume=PARTLABEL=my disk"', "PARTLABEL=my disk"),
    ('rd.kjump.resume=UUID="1-2"', "UUID=1-2"),
    ('rd.kjump.resume=PARTLABEL=my\\x20disk', "PARTLABEL=my\\x20disk"),
    ('rd.kjump.resume=LABEL=\\nothing', "LABEL=\\nothing"),
    ('rd.kjump.resume=X unrelated="a rd.kjump.resume=bogus b"', "X"),
    ('rd.kjump.resume=X -- rd.kjump.resume=bogus', "X"),
    ('rd.kjump.resume=/dev/*', "/dev/*"),
])
def test_targets_as_people_write_them(boot, cmdline, target):
    boot.run("kjump_restore_early", cmdline=f"rd.kjump.timeout=0 {cmdline}", answers=[3])
    assert boot.calls == [f"--wait 0 {target}"]
    assert (boot.state / "target").read_text() == f"{target}\n"


@pytest.mark.parametrize("kind, timeout, wait", [
    *(("early", *case) for case in (
        ("", 10), ("-1", 10), ("1s", 10), ("ten", 10), ("0", 0), ("00", 0), ("08", 8), ("0010", 10),
        ("86400", 86400), ("86401", 86400), ("99999999999999999999", 86400))),
    ("late", "09", 9), ("late", "99999999999999999999", 86400)])
def test_timeouts(boot, kind, timeout, wait):
    (boot.etc / "kjump.targets").write_text(f"{kind} X\n")
    boot.run("kjump_restore_early", "kjump_wait_is_over || :", "kjump_restore_late",
             cmdline=f"rd.kjump.resume=X rd.kjump.timeout={timeout}", answers=[3])
    assert boot.calls == [f"--wait {wait} X"]


def test_dracut_files(boot):
    """One after another, the kernel command line at the end; only in the initramfs."""
    (boot.etc / "cmdline.d").mkdir()
    (boot.etc / "cmdline.d/10-one.conf").write_text("rd.kjump.resume=UUID=1-2 rd.kjump.timeout=3")
    (boot.etc / "cmdline.d/20-two.conf").write_text(
        "# rd.kjump.timeout=4\nrd.kjump.timeout=5\nopen=\"quote\n")
    (boot.etc / "cmdline").write_text("rd.kjump.onfail=boot\n")
    (boot.etc / "kjump.targets").write_text("early UUID=1-2\nearly UUID=3-4\n")
    (boot.etc / "initrd-release").touch()
    boot.run("kjump_restore_early", answers=[1])
    assert boot.calls == ["--wait 5 UUID=1-2"]
    boot.run("kjump_restore_early", cmdline="rd.kjump.resume=UUID=3-4", answers=[1])
    assert boot.calls == ["--wait 5 UUID=3-4"]
    (boot.etc / "initrd-release").unlink()
    boot.run("kjump_restore_early")
    assert boot.calls == []


def test_long_files(boot):
    """Of any length; what cannot be read is named, and does not count."""
    (boot.etc / "cmdline.d").mkdir()
    (boot.etc / "initrd-release").touch()
    (boot.etc / "kjump.targets").write_text("early UUID=1-2\n")
    words = "".join(f"module{i}.option=value{i}\n" for i in range(20000))
    (boot.etc / "cmdline.d/long.conf").write_text(f"{words}rd.kjump.resume=UUID=1-2\n{words}")
    (boot.etc / "cmdline.d/empty.conf").touch()
    (boot.etc / "cmdline.d/x.conf").mkdir()
    output = boot.run("kjump_restore_early", answers=[3])
    assert boot.calls == ["--wait 10 UUID=1-2"]
    assert "x.conf: Is a directory; its kernel parameters do not count" in output
    assert "long.conf" not in output


# --- drivers --------------------------------------------------------------------------------------


def test_modules_are_loaded_first(boot):
    (boot.etc / "kjump.modules").write_text("nvme\nsd_mod\n")
    boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X", answers=[3])
    assert (boot.folder / "modprobe").read_text() == "-q nvme\n-q sd_mod\n"


def test_keyboards_before_a_question(boot):
    """Their drivers are loaded when there is something to ask, and not before."""
    (boot.etc / "kjump.modules").write_text("nvme\n")
    (boot.etc / "kjump.keyboards").write_text("xhci-pci\nusbhid\n")
    boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X", answers=[3])
    assert (boot.folder / "modprobe").read_text() == "-q nvme\n"
    boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X rd.kjump.onfail=boot", answers=[1])
    assert (boot.folder / "modprobe").read_text() == "-q nvme\n" * 2
    boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X", answers=[1, "c"])
    assert (boot.folder / "modprobe").read_text() == "-q nvme\n" * 3 + "-q xhci-pci\n-q usbhid\n"


@pytest.mark.parametrize("function", ["early", "late"])
def test_keyboards_before_a_shell(boot, function):
    (boot.etc / "kjump.keyboards").write_text("usbhid\n")
    (boot.etc / "kjump.targets").write_text(f"{function} X\n")
    boot.run("kjump_restore_early", "kjump_restore_late",
             cmdline="rd.kjump.resume=X rd.kjump.onfail=shell", answers=[1])
    assert (boot.folder / "modprobe").read_text() == "-q usbhid\n"


@pytest.mark.parametrize("seconds, revived", [(59, False), (60, True), (4000, True)])
def test_devices_that_were_given_up(boot, seconds, revived):
    """What systemd did not wait for while a question stood there is started once more."""
    systemctl = boot.bin / "systemctl"
    systemctl.write_text('#!/bin/sh\necho "$@" >> "$STUB/systemctl"\necho broken >&2\nexit 1\n')
    systemctl.chmod(0o755)
    answered = f'kjump_try() {{ echo "{100 + seconds}.1 1" > "$kjump_proc/uptime"; return 1; }}'
    output = boot.run(f"{answered}; kjump_restore_early", cmdline="rd.kjump.resume=X")
    assert "broken" not in output
    called = boot.folder / "systemctl"
    assert called.exists() == revived
    assert not revived or called.read_text() == "--no-block start cryptsetup.target\n"


def test_no_modules_when_switched_off(boot):
    (boot.etc / "kjump.modules").write_text("nvme\n")
    boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X noresume")
    assert not (boot.folder / "modprobe").exists()


def test_marked_once(boot):
    boot.run(*HOOKS, cmdline="rd.kjump.resume=X rd.kjump.onfail=boot", answers=[1, 0])
    boot.run("kjump_mark_before_root", "kjump_mark_in_system", cmdline="rd.kjump.resume=X")
    assert boot.calls == []


def test_not_marked_says_so_and_the_service_tries_again(boot):
    output = boot.run(*HOOKS, cmdline="rd.kjump.resume=X rd.kjump.onfail=boot", answers=[1, 1])
    assert "could not be marked; do not restore its image any more" in output
    boot.run("kjump_mark_in_system", answers=[0])
    assert boot.calls == [f"--wait 0 {MARK} X"]


def test_without_hook_the_service_marks(boot):
    boot.run("kjump_mark_in_system", "kjump_mark_in_system", cmdline="rd.kjump.resume=X", answers=[0])
    assert boot.calls == [f"--wait 10 {MARK} X"]


def test_question_before_a_splash(boot):
    """The splash lets go of screen and keys for the question, and what it hid is seen."""
    (boot.folder / "splash").touch()
    said = boot.run(*HOOKS, cmdline="rd.kjump.resume=X", answers=[1, "r", 1, "c", 0])
    assert boot.calls == ["--wait 5 X", "plymouth deactivate", "--ask 10", "plymouth reactivate",
                          "--wait 5 --retry X", "plymouth deactivate", "--ask 10", "plymouth reactivate",
                          f"--wait 0 {MARK} X"]
    assert said.count("stub: said on standard error") == 5


@pytest.mark.parametrize("onfail, shown", [("boot", []), ("shell", ["deactivate", "reactivate"])])
def test_splash_without_a_question(boot, onfail, shown):
    (boot.folder / "splash").touch()
    said = boot.run("kjump_restore_early", cmdline=f"rd.kjump.resume=X rd.kjump.onfail={onfail}",
                    answers=[1])
    assert [call for call in boot.calls if "plymouth" in call] == \
        [f"plymouth {word}" for word in shown]
    assert "stub: said on standard error" in said


def test_power_off_before_a_splash(boot):
    (boot.folder / "splash").touch()
    assert "POWER OFF X" in boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X", answers=[1, "p"])


def test_no_splash(boot):
    """A program that finds no daemon, and nothing is repeated."""
    said = boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X", answers=[1, "c"])
    assert boot.calls == ["--wait 5 X", "--ask 10"]
    assert said.count("stub: said on standard error") == 1


# --- waiting for assembly -------------------------------------------------------------------------


def wait_is_over(boot, cmdline, now, find=6):
    """What the loop of dracut, which calls it again and again, is told."""
    boot.pass_time(now)
    (boot.folder / "find").write_text(f"{find}\n")
    said = boot.run("kjump_wait_is_over && echo OVER >&2; true", cmdline=cmdline)
    return "OVER" in said


@pytest.mark.parametrize("switch", ["", "noresume"])
def test_waiting_for_assembly(boot, switch):
    """An initramfs that waits for the root alone is made to wait for a volume, but not for ever."""
    cmdline = f"rd.kjump.resume=/dev/vg/lv {switch}"
    boot.run("kjump_restore_early", cmdline=cmdline)
    assert not wait_is_over(boot, cmdline, 103)
    assert not wait_is_over(boot, cmdline, 112)
    assert wait_is_over(boot, cmdline, 112, find=0)
    assert wait_is_over(boot, cmdline, 112, find=1)
    assert wait_is_over(boot, cmdline, 113)


def test_waiting_for_nothing(boot):
    assert wait_is_over(boot, "quiet", 100)
    boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X", answers=[3])
    assert wait_is_over(boot, "rd.kjump.resume=X", 100)


def test_waiting_in_a_loop_ends(boot):
    """dracut itself gives up after some minutes; whoever waits for ever does so behind it."""
    cmdline = "rd.kjump.resume=/dev/vg/lv rd.kjump.timeout=infinity"
    boot.run("kjump_restore_early", cmdline=cmdline)
    assert not wait_is_over(boot, cmdline, 100)
    assert not wait_is_over(boot, cmdline, 159)
    assert wait_is_over(boot, cmdline, 160)
    boot.run("kjump_restore_late", cmdline=cmdline, answers=[3])
    assert boot.calls == ["--wait infinity /dev/vg/lv"]


@pytest.mark.parametrize("now, left", [(130, 30), (160, 0), (200, 0)])
def test_marking_after_the_loop(boot, now, left):
    """What was waited in the loop counts, also where it was to be waited for ever."""
    cmdline = "rd.kjump.resume=/dev/vg/lv rd.kjump.timeout=infinity noresume"
    boot.run("kjump_restore_early", cmdline=cmdline)
    assert not wait_is_over(boot, cmdline, 100)
    boot.pass_time(now)
    boot.run("kjump_restore_late", "kjump_mark_before_root", cmdline=cmdline, answers=[6])
    assert boot.calls == [f"--wait {left} --boot-on booted on: restoring was switched off /dev/vg/lv"]


@pytest.mark.parametrize("now, left", [(104, 6), (110, 0), (200, 0)])
def test_waiting_after_the_loop(boot, now, left):
    cmdline = "rd.kjump.resume=/dev/vg/lv"
    boot.run("kjump_restore_early", cmdline=cmdline)
    assert not wait_is_over(boot, cmdline, 100)
    boot.pass_time(now)
    boot.run("kjump_restore_late", cmdline=cmdline, answers=[3])
    assert boot.calls == [f"--wait {left} /dev/vg/lv"]
    assert wait_is_over(boot, cmdline, 100)


# --- the key of sealed images -----------------------------------------------------------------------

SEALED = "rd.kjump.resume=/dev/sda2 rd.kjump.onfail=boot"


def with_key(boot, waits="sealed", passphrase="secret", kinds=()):
    """An initramfs with a container; STATUS of --waits where nothing waits."""
    (boot.etc / "kjump").mkdir()
    (boot.etc / "kjump/key.luks").write_text("container")
    (boot.etc / "kjump.unlock").write_text("".join(f"{kind}\n" for kind in kinds))
    (boot.etc / "kjump.crypto").write_text("dm_crypt\ntpm_tis\n")
    (boot.etc / "kjump.keyboards").write_text("usbhid\n")
    (boot.folder / "dev/mapper").mkdir(parents=True)
    (boot.folder / "passphrase").write_text(passphrase)
    if isinstance(waits, int):
        (boot.folder / "waits-status").write_text(str(waits))
    else:
        (boot.folder / "waits").write_text(f"{waits}\n")


def luks(boot):
    path = boot.folder / "luks"
    return path.read_text().splitlines() if path.exists() else []


def modprobes(boot):
    path = boot.folder / "modprobe"
    return [line.split()[-1] for line in path.read_text().splitlines()] if path.exists() else []


def test_sealed_by_passphrase(boot):
    """The key goes to kjump-restore, and the mapping is closed before that does anything."""
    with_key(boot)
    boot.run("kjump_restore_early", cmdline=SEALED, answers=["1 broken"])
    assert boot.calls == ["--key-fd 3 --wait 5 /dev/sda2"]
    assert (boot.folder / "key").read_text() == "payload\n"
    container = boot.etc / "kjump/key.luks"
    assert luks(boot) == [
        f"cryptsetup open --type luks2 --readonly --key-file - {container} kjump-key",
        "cryptsetup close --deferred kjump-key"]
    # A keyboard, but nothing else that an image does not need.
    assert modprobes(boot) == ["dm_crypt", "tpm_tis", "usbhid"]
    assert not (boot.folder / "answered").exists()


@pytest.mark.parametrize("fits", [True, False])
def test_sealed_by_tpm(boot, fits):
    """Without a question, and without keyboards; where it fails there is the passphrase."""
    with_key(boot, kinds=["tpm2"])
    if fits:
        (boot.folder / "tpm").touch()
    boot.run("kjump_restore_early", cmdline=SEALED, answers=["1 broken"])
    assert boot.calls == ["--key-fd 3 --wait 5 /dev/sda2"]
    assert "--token-only --token-type systemd-tpm2" in luks(boot)[0]
    assert len(luks(boot)) == (2 if fits else 3)
    assert ("usbhid" in modprobes(boot)) != fits


def test_sealed_and_locked(boot):
    """Three tries are kjump-restore's; then comes the question, and whoever says r is asked again."""
    with_key(boot, passphrase="another")
    output = boot.run(*HOOKS, cmdline="rd.kjump.resume=/dev/sda2", answers=["r", "c", 0])
    assert boot.calls == [ASK, ASK, "--wait 0 --boot-on booted on: the key was not unlocked /dev/sda2"]
    assert len(luks(boot)) == 2
    assert "not restored" in output


def test_plain_where_sealed_is_expected(boot):
    with_key(boot, waits="plain")
    output = boot.run(*HOOKS, cmdline="rd.kjump.resume=/dev/sda2", answers=["c", 0])
    assert boot.calls == [ASK, "--wait 0 --boot-on booted on: the image is not sealed, and those of "
                          "this system are /dev/sda2"]
    assert "rd.kjump.unsealed=1" in output
    assert luks(boot) == []


def test_plain_where_that_is_allowed(boot):
    with_key(boot, waits="plain")
    boot.run("kjump_restore_early", cmdline=f"{SEALED} rd.kjump.unsealed=1", answers=["1 broken"])
    assert boot.calls == ["--wait 5 /dev/sda2"]
    assert luks(boot) == []


def test_sealed_where_plain_is_allowed(boot):
    with_key(boot)
    boot.run("kjump_restore_early", cmdline=f"{SEALED} rd.kjump.unsealed", answers=["1 broken"])
    assert boot.calls == ["--key-fd 3 --unsealed --wait 5 /dev/sda2"]


@pytest.mark.parametrize("status", [3, 6])
def test_nothing_sealed_asks_nothing(boot, status):
    """An ordinary boot, and a device that is not there yet."""
    with_key(boot, waits=status)
    boot.run("kjump_restore_early", cmdline=SEALED)
    assert boot.calls == [] and luks(boot) == [] and modprobes(boot) == []
    assert (boot.state / "outcome").read_text().strip() == {3: "nothing", 6: "absent"}[status]


def test_what_waits_cannot_be_told(boot):
    """Nothing is restored then: it might be in clear."""
    with_key(boot, waits=1)
    boot.run("kjump_restore_early", cmdline=SEALED)
    assert boot.calls == []
    assert (boot.state / "outcome").read_text() == "failed\n"


@pytest.mark.parametrize("onfail, seconds", [
    ("", "infinity"), ("shell", "infinity"), ("boot", "60"), ("poweroff", "60"), ("reboot", "60"),
    ("wait=30", "30"), ("wait=infinity", "infinity")])
def test_patience(boot, onfail, seconds):
    output = boot.run("kjump_patience >&2",
                      cmdline=f"rd.kjump.onfail={onfail}")
    assert seconds in output.splitlines()


def test_sealed_late(boot):
    with_key(boot)
    boot.run("kjump_restore_early", "kjump_restore_late",
             cmdline="rd.kjump.resume=/dev/vg/lv rd.kjump.onfail=boot", answers=["1 broken"])
    assert boot.calls == ["--key-fd 3 --wait 10 /dev/vg/lv"]


def test_passphrase_is_offered(boot):
    """To Debian's question for the root's, when the boot goes on."""
    with_key(boot)
    (boot.folder / "askpass").mkdir()
    (boot.folder / "askpass/askpass").touch()
    boot.run("kjump_restore_early", cmdline=SEALED, answers=["1 broken"])
    # It waits for the question in the background.
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not (
            (boot.folder / "answered").exists() and (boot.folder / "answered").read_text()):
        time.sleep(0.1)
    assert (boot.folder / "answered").read_text() == f"--answer {boot.folder}/askpass/passfifo\n"


def test_passphrase_in_a_splash(boot):
    """It stays where it is: kjump-restore asks there."""
    (boot.folder / "splash").touch()
    with_key(boot)
    boot.run("kjump_restore_early", cmdline=SEALED, answers=["1 broken"])
    assert boot.calls == ["--key-fd 3 --wait 5 /dev/sda2"]
    assert (boot.folder / "key").read_text() == "payload\n"
