# SPDX-License-Identifier: GPL-2.0-or-later
"""kjump-core.sh in the shells of the initramfs systems, with a stand-in for kjump-restore."""

import os
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CORE = REPOSITORY / "boot/kjump-core.sh"

SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"], "bash": ["bash", "--posix"]}

# Each line of `answers` is what the next call does: a status, or the key for --ask.
RESTORE = """#!/bin/sh
echo "$*" >> "$STUB/calls"
read -r answer < "$STUB/answers"
sed -i 1d "$STUB/answers"
case $1 in
--ask) echo "$answer" ;;
*) echo "stub: said on standard error" >&2; exit "$answer" ;;
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
        self.pass_time(100)
        for path in (self.bin, self.etc):
            path.mkdir()
        for name, text in (("kjump-restore", RESTORE), ("modprobe", MODPROBE),
                           ("plymouth", PLYMOUTH)):
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)

    def run(self, *functions, cmdline="", answers=()):
        """Run the hooks. Returns what they say; what was called is in .calls."""
        (self.folder / "cmdline").write_text(f"BOOT_IMAGE=/vmlinuz {cmdline} quiet\n")
        (self.folder / "answers").write_text("".join(f"{answer}\n" for answer in answers))
        self.calls_file.write_text("")
        output = ""
        for function in functions:
            done = subprocess.run(
                [*SHELLS[self.shell], "-u", "-c", f"""
                . {CORE}
                kjump_state={self.state} kjump_etc={self.etc}
                kjump_cmdline() {{ cat {self.folder}/cmdline; }}
                kjump_now() {{ cat {self.folder}/now; }}
                kjump_power_off() {{ echo POWER OFF "$1" >&2; kill -9 $$; }}
                # busybox has a modprobe of its own, which it prefers.
                modprobe() {{ "{self.bin}/modprobe" "$@"; }}
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
            assert "status 0" in done.stderr or "POWER OFF" in done.stderr, done.stderr
            output += done.stderr
        assert (self.folder / "answers").read_text() == "", "fewer calls than expected"
        return output

    def pass_time(self, now):
        """The clock stands at NOW seconds after the start of the kernel."""
        (self.folder / "now").write_text(f"{now}\n")

    @property
    def calls_file(self):
        return self.folder / "calls"

    @property
    def calls(self):
        return self.calls_file.read_text().splitlines()


HOOKS = ("kjump_restore_early", "kjump_restore_late", "kjump_mark_before_root")
MARK = "--boot-on booted on without restoring"


@pytest.fixture(params=SHELLS)
def boot(request, tmp_path):
    return Boot(request.param, tmp_path)


def test_without_parameter_nothing_happens(boot):
    output = boot.run(*HOOKS, "kjump_mark_in_system", cmdline="rd.kjump=1 resume=/dev/sda2")
    assert boot.calls == []
    assert "kjump" not in output
    assert not boot.state.exists()


def test_failure_asks_then_boots_on_and_marks(boot):
    output = boot.run(*HOOKS, cmdline="rd.kjump.resume=UUID=1-2", answers=[1, "c", 0])
    assert boot.calls == ["--wait 10 UUID=1-2", "--ask 10", f"--wait 0 {MARK} UUID=1-2"]
    assert "UUID=1-2: not restored (kjump-restore: status 1)" in output
    assert "stub: said on standard error" in output


@pytest.mark.parametrize("status", [2, 4, 127, 139])
def test_whatever_fails_the_boot_goes_on(boot, status):
    boot.run(*HOOKS, cmdline="rd.kjump.resume=X", answers=[status, "", 1])
    assert boot.calls[2] == f"--wait 0 {MARK} X"


def test_retry(boot):
    boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X", answers=[1, "r", 1, "r", 3])
    assert boot.calls == ["--wait 10 X", "--ask 10", "--wait 10 X", "--ask 10", "--wait 10 X"]


def test_power_off_leaves_the_image(boot):
    output = boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X", answers=[1, "p"])
    assert boot.calls == ["--wait 10 X", "--ask 10"]
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


def test_onfail_shell(boot):
    output = boot.run(*HOOKS, cmdline="rd.kjump.resume=X rd.kjump.onfail=shell", answers=[1, 0])
    assert "SHELL X" in output
    assert boot.calls[-1] == f"--wait 0 {MARK} X"


@pytest.mark.parametrize("switch", ["noresume", "rd.kjump=0", "rd.kjump=no", "rd.kjump=1 rd.kjump=off"])
def test_switched_off(boot, switch):
    """Nothing is restored, and the image outdated: the device may have to be waited for."""
    output = boot.run(*HOOKS, cmdline=f"rd.kjump.resume=X {switch}", answers=[0])
    assert boot.calls == [f"--wait 10 {MARK} X"]
    assert "switched off" in output


def test_nothing_there(boot):
    """Looked for again where it might need assembly, and once more before the root is touched."""
    output = boot.run(*HOOKS, cmdline="rd.kjump.resume=X", answers=[3, 3, 3])
    assert boot.calls == ["--wait 10 X", "--wait 10 X", f"--wait 0 {MARK} X"]
    assert "there is nothing to restore" in output
    assert "could not be marked" not in output


def test_known_kinds(boot):
    (boot.etc / "kjump.targets").write_text("early UUID=disk\nearly /dev/vg/odd name\nlate UUID=lv\n")
    boot.run(*HOOKS, cmdline="rd.kjump.resume=UUID=disk", answers=[3, 3])
    assert boot.calls == ["--wait 10 UUID=disk", f"--wait 0 {MARK} UUID=disk"]


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


def test_parameters(boot):
    boot.run("kjump_restore_early", cmdline='rd.kjump.resume=old "rd.kjump.resume=PARTLABEL=my disk?*" '
             'rd.kjump.resume="LABEL=x" rd.kjump.timeout=7 rd.kjump.again rd.kjump.onfail=boot',
             answers=[1])
    assert boot.calls == ["--wait 7 --again LABEL=x"]


@pytest.mark.parametrize("timeout", ["", "-1", "1s", "ten"])
def test_bad_timeout(boot, timeout):
    boot.run("kjump_restore_early", cmdline=f"rd.kjump.resume=X rd.kjump.timeout={timeout}", answers=[3])
    assert boot.calls == ["--wait 10 X"]


def test_modules_are_loaded_first(boot):
    (boot.etc / "kjump.modules").write_text("nvme\nsd_mod\n")
    boot.run("kjump_restore_early", cmdline="rd.kjump.resume=X", answers=[3])
    assert (boot.folder / "modprobe").read_text() == "-q nvme\n-q sd_mod\n"


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
    assert boot.calls == ["--wait 10 X", "plymouth deactivate", "--ask 10", "plymouth reactivate",
                          "--wait 10 X", "plymouth deactivate", "--ask 10", "plymouth reactivate",
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
    assert boot.calls == ["--wait 10 X", "--ask 10"]
    assert said.count("stub: said on standard error") == 1


@pytest.mark.parametrize("cmdline, now, assembled", [
    ("rd.kjump.resume=/dev/vg/lv", 109, False),
    ("rd.kjump.resume=/dev/vg/lv", 110, True),
    ("rd.kjump.resume=/dev/vg/lv noresume", 109, False),
    ("quiet", 100, True),
])
def test_waiting_for_assembly(boot, cmdline, now, assembled):
    """An initramfs that waits for the root alone is made to wait for a volume, but not for ever."""
    boot.run("kjump_restore_early", cmdline=cmdline)
    boot.pass_time(now)
    said = boot.run("kjump_wait_is_over /dev/vg/lv && echo ASSEMBLED >&2; true", cmdline=cmdline)
    assert ("ASSEMBLED" in said) == assembled


@pytest.mark.parametrize("now, left", [(104, 6), (110, 0), (200, 0)])
def test_waiting_after_the_early_attempt(boot, now, left):
    """The same when it was looked for early already, by a name that does not tell."""
    cmdline = "rd.kjump.resume=UUID=X"
    boot.run("kjump_restore_early", cmdline=cmdline, answers=[3])
    boot.pass_time(now)
    boot.run("kjump_restore_late", cmdline=cmdline, answers=[3])
    assert boot.calls == [f"--wait {left} UUID=X"]
    assert "ASSEMBLED" in boot.run("kjump_wait_is_over /dev/X && echo ASSEMBLED >&2", cmdline=cmdline)
