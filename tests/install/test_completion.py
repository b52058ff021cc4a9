# SPDX-License-Identifier: GPL-2.0-or-later
"""Completion: whatever the help has, each shell completes."""

import re

import pytest

from common import BUILD, run

KJUMP = BUILD / "kjump"
COMPLETION = BUILD / "completion"


def commands():
    """Names in the help."""
    text = run(KJUMP, "--help").stdout.split("\n\n")[1]
    return [line.split()[0] for line in text.splitlines()]


def options(command):
    """Long and short options in the help of a command."""
    text = run(KJUMP, "help", command).stdout
    found = re.findall(r"^ +(?:(-\w), )?(--[\w-]+)", text, re.MULTILINE)
    assert found
    return {name for pair in found for name in pair if name}


def bash(*words):
    """What bash offers behind these words; the last one is completed."""
    text = " ".join(f"'{word}'" for word in ("kjump", *words))
    done = run("bash", "--norc", "-c",
               f"source {COMPLETION}/bash; COMP_WORDS=({text}); COMP_CWORD={len(words)}; _kjump; "
               'printf "%s\\n" "${COMPREPLY[@]}"')
    assert not done.stderr
    return set(done.stdout.split("\n")) - {""}


def zsh(command):
    """What the function tells zsh of the options of a command, or of the commands."""
    words = f"kjump {command} ''" if command else "kjump ''"
    done = run("zsh", "-f", "-c",
               'compadd() { print -rl -- "$@" }; _arguments() { print -rl -- "$@" }; '
               '_describe() { print -rl -- "${(@P)2}" }; '
               f"words=({words}); CURRENT=$#words; source {COMPLETION}/zsh")
    assert not done.stderr
    return done.stdout.splitlines()


def fish(text):
    """What fish offers behind TEXT."""
    done = run("fish", "--no-config", "-c",
               f"source {COMPLETION}/fish; complete -C '{text}'")
    assert not done.stderr
    return {line.split("\t")[0] for line in done.stdout.splitlines()}


def test_commands():
    names = set(commands())
    assert {"format", "hibernate", "initramfs", "help"} <= names
    assert names | {"--help", "--version", "-h", "-V"} == bash("")
    assert names <= {line.split(":")[0] for line in zsh("")}
    assert fish("kjump ") == names
    assert {"--help", "--version"} <= fish("kjump --")


@pytest.mark.parametrize("command", [name for name in commands() if name != "help"])
def test_options(command):
    wanted = options(command)
    offered = bash(command, "-")
    assert wanted == {word for word in offered if "=" not in word}
    told = {match for line in zsh(command) for match in re.findall(r"^(?:\([^)]*\))?(-{1,2}[\w-]+?)=?-?\[", line)}
    assert told == wanted
    assert {word for word in fish(f"kjump {command} --") if "=" not in word} == {
        name for name in wanted if name.startswith("--")}


def test_values(tmp_path):
    (tmp_path / "a file").write_text("")
    assert bash("load", "--kernel", f"{tmp_path}/a") == {f"{tmp_path}/a file"}
    assert bash("format", f"{tmp_path}/a") == {f"{tmp_path}/a file"}
    assert bash("load", "--workers", "") == set()
    assert "--verify=no" in bash("hibernate", "--ver")
    assert f"{tmp_path}/a file" in {name.replace("\\", "") for name in fish(f"kjump format {tmp_path}/a")}
    assert bash("help", "for") == {"format"}
    verbs = {"create", "status", "remove"}
    assert verbs == {word for word in bash("key", "") if not word.startswith("-")}
    assert any("(create status remove)" in line for line in zsh("key"))
    assert verbs <= fish("kjump key ")


def test_unknown_shell():
    done = run(KJUMP, "--completion", "csh")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
