# SPDX-License-Identifier: GPL-2.0-or-later
"""What systemd has of kjump: drop-ins, what its services for sleep start, and units; in folders."""

import os
import re
import subprocess

import pytest

from common import REPOSITORY, make, run

SLEEP = REPOSITORY / "systemd/sleep"
GENERATOR = REPOSITORY / "systemd/kjump-generator"
VERBS = ("hibernate", "suspend-then-hibernate", "hybrid-sleep")
CONFIGURED = "level = 3\ntarget = UUID=old\n target = UUID=mine \n"


class Root:
    """A system in a folder, whose programs note how they are called."""

    def __init__(self, folder):
        self.folder = folder
        self.bin = folder / "bin"
        self.log = folder / "log"
        self.log.write_text("")
        self.put("proc/uptime", "100.57 300.10\n")
        self.put("sys/class/rtc/rtc0/wakealarm", "")
        self.program("bin/kjump")
        self.program("usr/lib/systemd/systemd-sleep")
        self.program("bin/systemd-analyze", 'case $1 in cat-config) cat "$ROOT/sleep.conf" ;; '
                     "*) /usr/bin/systemd-analyze \"$@\" ;; esac")
        self.put("sleep.conf", "")

    def put(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def program(self, name, commands=""):
        path = self.put(name, f'#!/bin/sh\necho "${{0##*/}} $*" >> "$ROOT/log"\n{commands}\n')
        path.chmod(0o755)

    def configure(self, text=CONFIGURED):
        self.put("etc/kjump.conf", text)

    def run(self, *words, **environment):
        done = run(SLEEP, *words, env={
            **os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}", "ROOT": str(self.folder),
            "KJUMP_ROOT": str(self.folder), "KJUMP": str(self.bin / "kjump"),
            "KJUMP_LIB": str(REPOSITORY / "boot"), **environment})
        done.calls = [line for line in self.log.read_text().splitlines()
                      if not line.startswith("systemd-analyze")]
        return done

    def text(self, name):
        return (self.folder / name).read_text()


@pytest.fixture
def root(tmp_path):
    return Root(tmp_path)


# --- what the services start ------------------------------------------------------------------------

@pytest.mark.parametrize("verb", VERBS + ("suspend",))
@pytest.mark.parametrize("config", [None, "", "#target = UUID=x\n", "target = UUID=x\ntarget =\n"])
def test_without_target(root, verb, config):
    """systemd's own program does it, with the same word and the same end."""
    if config is not None:
        root.configure(config)
    root.program("usr/lib/systemd/systemd-sleep", "exit 5")
    done = root.run(verb)
    assert done.returncode == 5
    assert done.calls == [f"systemd-sleep {verb}"]


@pytest.mark.parametrize("status", [0, 1, 4])
def test_hibernate(root, status):
    root.configure()
    root.program("bin/kjump", f"exit {status}")
    done = root.run("hibernate")
    assert done.returncode == status
    assert done.calls == ["kjump hibernate --logind hibernate"]


def test_split_usr(root):
    """A Debian whose /lib is no link."""
    (root.folder / "usr/lib/systemd/systemd-sleep").unlink()
    root.program("lib/systemd/systemd-sleep")
    assert root.run("hibernate").calls == ["systemd-sleep hibernate"]
    (root.folder / "lib/systemd/systemd-sleep").unlink()
    done = root.run("hibernate")
    assert done.returncode == 1 and "systemd-sleep is not there; nothing was done" in done.stderr


def test_hybrid_sleep(root):
    """An image of kjump's, and suspended, rather than an image of the kernel's own, in swap."""
    root.configure()
    done = root.run("hybrid-sleep")
    assert done.returncode == 0
    assert done.calls == ["kjump hibernate --logind hybrid-sleep --suspend"]


def suspends(root, seconds, status=0):
    """Suspending takes so long."""
    root.program("usr/lib/systemd/systemd-sleep",
                 f'cat "$ROOT/sys/class/rtc/rtc0/wakealarm" >> "$ROOT/alarm"\n'
                 f'echo "{100 + seconds}.00 9" > "$ROOT/proc/uptime"\nexit {status}')


@pytest.mark.parametrize("setting, alarm", [("", 7201), ("30min", 1801), ("1h 30s", 3631),
                                            ("90", 91), ("nonsense", 7200)])
def test_delay(root, setting, alarm):
    root.configure()
    root.put("sleep.conf", "[Sleep]\nHibernateDelaySec=5\n" +
             (f"HibernateDelaySec = {setting}\n" if setting else ""))
    if not setting:
        root.put("sleep.conf", "[Sleep]\n#HibernateDelaySec=5\n")
    suspends(root, 10)
    done = root.run("suspend-then-hibernate")
    assert root.text("alarm") == f"+{alarm}\n"
    assert ("is no length of time" in done.stderr) == (setting == "nonsense")


def test_woken_by_somebody(root):
    """The machine stays awake, and no alarm is left."""
    root.configure()
    suspends(root, 7000)
    done = root.run("suspend-then-hibernate")
    assert done.returncode == 0, done.stderr
    assert done.calls == ["systemd-sleep suspend"]
    assert root.text("sys/class/rtc/rtc0/wakealarm") == "0\n"


def test_woken_by_the_alarm(root):
    root.configure()
    suspends(root, 7202)
    done = root.run("suspend-then-hibernate")
    assert done.returncode == 0, done.stderr
    assert done.calls == ["systemd-sleep suspend",
                          "kjump hibernate --logind suspend-then-hibernate"]


@pytest.mark.parametrize("status, again", [(1, True), (4, False)])
def test_not_hibernated(root, status, again):
    """What fails is not left awake; what somebody stopped at the console is."""
    root.configure()
    suspends(root, 7202)
    root.program("bin/kjump", f"exit {status}")
    done = root.run("suspend-then-hibernate")
    assert done.returncode == status
    assert done.calls[2:] == (["systemd-sleep suspend"] if again else [])


def test_not_suspended(root):
    root.configure()
    suspends(root, 7202, status=7)
    done = root.run("suspend-then-hibernate")
    assert done.returncode == 7
    assert done.calls == ["systemd-sleep suspend"]
    assert root.text("sys/class/rtc/rtc0/wakealarm") == "0\n"


@pytest.mark.parametrize("alarm", ["1793900000\n", None])
def test_no_alarm(root, alarm):
    """One that is somebody else's stays; without a clock nothing is begun."""
    root.configure()
    path = root.folder / "sys/class/rtc/rtc0/wakealarm"
    if alarm:
        path.write_text(alarm)
    else:
        path.unlink()
    done = root.run("suspend-then-hibernate")
    assert done.returncode == 1 and done.calls == []
    assert "nothing was done" in done.stderr
    assert not alarm or path.read_text() == alarm


@pytest.mark.parametrize("words", [(), ("hibernate", "more")])
def test_wrong_usage(root, words):
    done = root.run(*words)
    assert done.returncode == 2 and done.stderr.startswith("usage: ")


# --- what logind sees -------------------------------------------------------------------------------

@pytest.mark.parametrize("resume, efi, target, after", [
    ("0:0", False, True, "8:3"), ("0:0", True, True, "0:0"), ("0:0", False, False, "0:0"),
    ("254:1", False, True, "254:1")])
def test_offer(root, resume, efi, target, after):
    """Only where logind would refuse for it, and never instead of what was set."""
    root.configure(CONFIGURED if target else "")
    root.put("sys/power/resume", f"{resume}\n")
    root.put("sys/class/block/sda3/dev", "8:3\n")
    root.put("dev/sda3", "")
    if efi:
        root.put("sys/firmware/efi/x", "")
    root.program("bin/kjump-restore", f'[ "$*" = "--find UUID=mine" ] && echo {root.folder}/dev/sda3')
    done = root.run("offer", KJUMP_RESTORE=str(root.bin / "kjump-restore"))
    assert done.returncode == 0, done.stderr
    assert root.text("sys/power/resume") == f"{after}\n"


def test_offer_without_device(root):
    """logind starts all the same."""
    root.configure()
    root.put("sys/power/resume", "0:0\n")
    root.program("bin/kjump-restore", "exit 6")
    done = root.run("offer", KJUMP_RESTORE=str(root.bin / "kjump-restore"))
    assert done.returncode == 0 and root.text("sys/power/resume") == "0:0\n"


# --- the generator ----------------------------------------------------------------------------------

def generate(root):
    units = root.folder / "generator"
    units.mkdir()
    done = run(GENERATOR, units, "/nonexistent", "/nonexistent",
               env={**os.environ, "KJUMP_ROOT": str(root.folder),
                    "KJUMP_LIB": str(REPOSITORY / "boot")})
    assert done.returncode == 0 and not done.stdout + done.stderr
    return sorted(str(path.relative_to(units)) for path in units.rglob("*") if not path.is_dir())


ALWAYS = ["multi-user.target.wants/kjump-history.service", "sysinit.target.wants/kjump-unload.service"]


@pytest.mark.parametrize("config", [None, "", "#target = UUID=x\n", "target = UUID=x\ntarget = \n"])
def test_generator_without_target(root, config):
    """Nothing of other units changes."""
    if config is not None:
        root.configure(config)
    assert generate(root) == ALWAYS


def test_generator(root):
    root.configure()
    assert generate(root) == ALWAYS + [f"systemd-{name}.service.d/50-kjump.conf" for name in
                                       ("hibernate", "hybrid-sleep", "logind", "suspend-then-hibernate")]
    # An empty value takes away what was there.
    lines = root.text("generator/systemd-hibernate.service.d/50-kjump.conf").splitlines()
    assert [line for line in lines if line.startswith("ExecStart=")] == \
        ["ExecStart=", "ExecStart=/usr/local/lib/kjump/sleep hibernate"]


# --- as installed -----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    # Elsewhere: with another prefix all is built anew, under the hands of those who use it.
    done = make("-s", "install-files", f"BUILD={tmp_path_factory.mktemp('build')}",
                f"DESTDIR={folder}", "PREFIX=/usr")
    assert done.returncode == 0, done.stderr
    return folder


def test_units(installed, tmp_path):
    """systemd takes the units and the drop-ins, beside its own, and finds nothing to say."""
    tree = tmp_path / "root"
    for name in ("usr/lib/kjump/sleep", "usr/bin/kjump"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes((installed / name).read_bytes())
        (tree / name).chmod(0o755)
    (tree / "usr/bin/sh").write_text("")
    (tree / "usr/bin/sh").chmod(0o755)
    (tree / "etc").mkdir()
    (tree / "etc/kjump.conf").write_text(CONFIGURED)
    # Where no systemd runs, its tools do not look at what generators made.
    units = tree / "etc/systemd/system"
    units.mkdir(parents=True)
    subprocess.run([installed / "usr/lib/systemd/system-generators/kjump-generator", units, units,
                    units], check=True,
                   env={**os.environ, "KJUMP_ROOT": str(tree),
                        "KJUMP_LIB": str(installed / "usr/lib/kjump")})
    there = tree / "usr/lib/systemd/system"
    there.mkdir(parents=True)
    for folder in (installed / "usr/lib/systemd/system", "/lib/systemd/system"):
        subprocess.run(["cp", "-a", "--no-clobber", f"{folder}/.", there], check=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (tree / name).symlink_to(f"usr/{name}")
    names = ["kjump-history.service", "kjump-load.service", "kjump-unload.service", "kjump-boot-on.service",
             "kjump-checkpoint.service", "kjump-checkpoint.timer",
             *(f"systemd-{verb}.service" for verb in VERBS), "systemd-logind.service"]

    def complaints(name):
        done = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                   f"--root={tree}", name)
        return [line for line in (done.stdout + done.stderr).splitlines() if "kjump" in line]

    for name in names:
        assert not complaints(name), name
    # The drop-ins are among what was looked at.
    (tree / "usr/lib/kjump/sleep").unlink()
    for verb in VERBS:
        assert ["/usr/lib/kjump/sleep is not executable" in line
                for line in complaints(f"systemd-{verb}.service")] == [True]


def test_catalog(installed, tmp_path):
    """journalctl takes it, and it explains all that kjump tells the journal."""
    text = (REPOSITORY / "kjump/event.c").read_text()
    ids = set(re.findall(r'"([0-9a-f]{32})"', text))
    assert len(ids) == 6
    catalog = installed / "usr/lib/systemd/catalog/kjump.catalog"
    assert set(re.findall(r"^-- ([0-9a-f]{32})$", catalog.read_text(), re.MULTILINE)) == ids
    assert set(re.findall(r"@(\w+)@", catalog.read_text())) <= set(re.findall(r'"(KJUMP_\w+)"', text))
    place = tmp_path / "usr/lib/systemd/catalog"
    place.mkdir(parents=True)
    (place / "kjump.catalog").write_bytes(catalog.read_bytes())
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    done = run("journalctl", f"--root={tmp_path}", "--update-catalog")
    assert done.returncode == 0 and not done.stderr, done.stderr
    shown = run("journalctl", f"--root={tmp_path}", "--list-catalog").stdout
    assert ids == set(re.findall(r"[0-9a-f]{32}", shown))


def test_prefix(installed):
    """All that names kjump's folders names those where it was installed."""
    for path in [*(installed / "usr/lib/systemd").rglob("*"), installed / "usr/lib/kjump/sleep"]:
        if path.is_file():
            assert "/usr/local/" not in path.read_text(), path
