# SPDX-License-Identifier: GPL-2.0-or-later
"""Manual pages say what the programs do: every option, key and parameter, and none besides."""

import json
import re

import pytest

from common import BUILD, REPOSITORY, run

MAN = REPOSITORY / "man"
PAGES = sorted(path.name for path in MAN.iterdir())
PROGRAMS = ("kjump-write", "kjump-restore", "kjump-back")
OPTION = r"(?<![\w-])--?[a-zA-Z][\w-]*"


def plain(page):
    """The page as text, without what selects fonts."""
    text = (MAN / page).read_text().replace("\\-", "-").replace("\\&", "")
    return re.sub(r"\\f[BIRP]", "", text)


def section(page, name):
    """One section of it."""
    found = re.search(rf'^\.SH "?{name}"?\n(.*?)(?=^\.SH|\Z)', plain(page), re.MULTILINE | re.DOTALL)
    assert found, f"{page}: no section {name}"
    return found[1]


def tags(text):
    """What stands in front of paragraphs: the line after .TP."""
    return re.findall(r"^\.TP\n(?:\.[BI]{1,2}R? )?(.*)", text, re.MULTILINE)


def documented(page):
    """Options that have a paragraph of their own."""
    return {option for tag in tags(section(page, "OPTIONS")) for option in re.findall(OPTION, tag)}


def helped(text):
    """Options that a help has a line for."""
    found = re.findall(r"^ +(?:(-\w), )?(--[\w-]+)", text, re.MULTILINE)
    return {name for pair in found for name in pair if name}


def kjump_commands():
    text = run(BUILD / "kjump", "--help").stdout.split("\n\n")[1]
    return [line.split()[0] for line in text.splitlines()]


def test_options_of_kjump():
    """The options of all commands together."""
    there = {"--version", "-V"}
    for command in kjump_commands():
        if command != "help":
            there |= helped(run(BUILD / "kjump", "help", command).stdout)
    assert documented("kjump.8") == there


def test_commands_of_kjump():
    names = {re.split(r'[ "]', tag)[0] for tag in tags(section("kjump.8", "COMMANDS"))}
    assert names == set(kjump_commands())


@pytest.mark.parametrize("command", [name for name in kjump_commands() if name != "help"])
def test_usage_of_a_command(command):
    """A command's own options, where its paragraph names them, are options that it takes."""
    tag = [tag for tag in tags(section("kjump.8", "COMMANDS")) if re.match(rf"{command}\b", tag)]
    named = set(re.findall(OPTION, tag[0]))
    assert named <= helped(run(BUILD / "kjump", "help", command).stdout)


@pytest.mark.parametrize("command", [name for name in kjump_commands() if name != "help"])
def test_options_of_a_command(command):
    """The list of them, all, and none besides."""
    text = re.search(rf"^\.TP\n\.B {command}\n(.*?)(?=^\.TP|\Z)",
                     section("kjump.8", "OPTIONS OF EACH COMMAND"), re.MULTILINE | re.DOTALL)[1]
    taken = helped(run(BUILD / "kjump", "help", command).stdout)
    assert set(re.findall(r"--[\w-]+", text)) == {name for name in taken if name[1] == "-"} - \
        {"--help", "--version"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_options_of_programs(program):
    assert documented(f"{program}.8") == helped(run(BUILD / program, "--help").stdout)


@pytest.mark.parametrize("program", PROGRAMS + ("kjump",))
def test_one_style(program):
    """-h, -V, and usage lines that look alike."""
    for word in ("-h", "--help"):
        done = run(BUILD / program, word)
        assert done.returncode == 0 and not done.stderr
        assert done.stdout.startswith(f"usage: {program}")
    for word in ("-V", "--version"):
        done = run(BUILD / program, word)
        assert done.returncode == 0 and re.fullmatch(rf"{program} \d+\.\d+\.\d+\n", done.stdout)
    done = run(BUILD / program, "--nonsense")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    # All lines of the usage name the program.
    usage = run(BUILD / program, "-h").stdout.split("\n\n")[0].splitlines()
    assert all(re.match(rf"(usage:|      ) {program}( |$)", line) for line in usage), usage


@pytest.mark.parametrize("command", [name for name in kjump_commands() if name != "help"])
def test_one_style_of_commands(command):
    for word in ("-h", "--help"):
        done = run(BUILD / "kjump", command, word)
        assert done.returncode == 0 and not done.stderr
        assert re.match(rf"usage: kjump {command} \[OPTION\.\.\.\]( |$)", done.stdout.splitlines()[0])
    for word in ("-V", "--version"):
        done = run(BUILD / "kjump", command, word)
        assert done.returncode == 0 and done.stdout == run(BUILD / "kjump", word).stdout
    done = run(BUILD / "kjump", command, "--nonsense")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def exit_codes(page):
    return set(map(int, tags(section(page, "EXIT STATUS"))))


def test_exit_codes():
    """Those that the help of a program names are those of the page."""
    for program in PROGRAMS:
        text = run(BUILD / program, "-h").stdout.split("Exit codes:")[1]
        named = {int(code) for code in re.findall(r"(?:^|[ ,])(\d+) +[a-zA-Z]", text, re.MULTILINE)}
        assert exit_codes(f"{program}.8") == named


def test_keys_of_the_configuration():
    """Of the table in the program, the page, and the file that is installed."""
    text = (REPOSITORY / "kjump/config.c").read_text()
    keys = set(re.findall(r"SETTING\((\w+), \w+\)", text)) - {"field"}
    assert len(keys) >= 14
    assert set(tags(section("kjump.conf.5", "KEYS"))) == keys
    example = (REPOSITORY / "packaging/kjump.conf").read_text()
    assert set(re.findall(r"^#(\w+) =", example, re.MULTILINE)) == keys
    assert not [line for line in example.splitlines() if line and not line.startswith("#")]


def test_example_configuration_is_accepted(tmp_path):
    """With every line of it in use but those that name files."""
    text = (REPOSITORY / "packaging/kjump.conf").read_text()
    text = re.sub(r"^#(\w+ =)", r"\1", text, flags=re.MULTILINE)
    (tmp_path / "kjump.conf").write_text(text)
    done = run(BUILD / "kjump", "status", "--config", tmp_path / "kjump.conf")
    assert done.returncode == 0, done.stderr


def test_keys_of_the_checks():
    """The object that `check --json` prints, and the page about it."""
    checks = json.loads(run(BUILD / "kjump", "check", "--json").stdout)
    text = section("kjump.8", "JSON OUTPUT").split("The checks, and what is in order")[1]
    listed = tags(text.split(".PP")[0])
    assert [name.strip('"') for name in listed] == list(checks)
    fields = tags(section("kjump.8", "JSON OUTPUT").split('kjump check --json')[1].split(".PP")[0])
    assert all(list(check) == fields for check in checks.values())


def parameters(*folders):
    """Kernel parameters that are looked up in these folders."""
    found = set()
    for folder in folders:
        for path in (REPOSITORY / folder).rglob("*"):
            if path.suffix in (".c", ".h", ".sh", ".service", "") and path.is_file():
                text = path.read_text()
                found |= set(re.findall(
                    r"kjump_(?:getarg|is_set) ([\w.]+)|\"((?:rd\.)?kjump\.(?!conf|targets)[a-z]+)\"|"
                    r"ConditionKernelCommandLine=\W*([\w.]+)", text))
    return {name for names in found for name in names if name}


def test_parameters():
    used = parameters("boot", "restore", "dracut-module", "kjump", "writer", "memory", "jump",
                      "initramfs")
    assert {"rd.kjump.resume", "rd.kjump.onfail", "rd.kjump", "noresume", "kjump.target"} <= used
    named = re.findall(r'module_param_named\((\w+)', (REPOSITORY / "module/main.c").read_text())
    used |= {f"kjump.{name}" for name in named}
    text = "".join(section("kjump.cmdline.7", name)
                   for name in ("RESTORING AT BOOT", "KERNEL B", "THE JUMP MODULE"))
    page = {re.match(r"[\w.]+", tag)[0] for tag in tags(text)}
    assert {name for name in page if "kjump" in name or name == "noresume"} == used


@pytest.mark.parametrize("page", PAGES)
def test_format(page):
    """No page has errors; whatever it refers to of kjump's is there."""
    done = run("mandoc", "-Tlint", "-Wwarning", MAN / page)
    lines = [line for line in done.stdout.splitlines() if "missing date" not in line]
    assert not lines
    for name, number in re.findall(r"(kjump[\w.-]*) \((\d)\)", plain(page)):
        assert f"{name}.{number}" in PAGES, f"{name}({number})"


def test_version():
    """All pages name the version of the programs."""
    version = run(BUILD / "kjump", "-V").stdout.split()[1]
    for page in PAGES:
        assert f'"kjump {version}"' in plain(page), page


@pytest.mark.parametrize("page", PAGES)
def test_examples_can_be_pasted(page):
    """No prompts, which a shell takes for comments, and nothing that empties a file of settings."""
    for example in re.findall(r"^\.EX\n(.*?)^\.EE", plain(page), re.MULTILINE | re.DOTALL):
        for line in example.splitlines():
            if page != "kjump.conf.5":
                assert not line.startswith("# "), line
            assert not re.search(r"(?<!>)> */etc", line), line
        # A shell takes all of it, settings in lines of their own too.
        done = run("sh", "-n", input=example)
        assert done.returncode == 0, done.stderr
