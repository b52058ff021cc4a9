# SPDX-License-Identifier: GPL-2.0-or-later
"""Sealed images as files: whichever library has sealed them, and what is said of keys."""

import os
import random
import re
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from common import BUILD, REPOSITORY, make, run

CIPHERS = ("AES-256-GCM", "XChaCha20-Poly1305")

# What libsodium 1.0.19 says of itself.
FAST_SODIUM = "#define SODIUM_VERSION_STRING \"1.0.19\"\n#define SODIUM_LIBRARY_VERSION_MAJOR 26\n"


def core(path, size=4 << 20):
    """The memory of a machine, half of which can be compressed."""
    header = (b"\x7fELF\2\1\1" + bytes(9) +
              struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0) +
              struct.pack("<IIQQQQQQ", 1, 7, 4096, 0, 0, size, size, 4096))
    content = random.Random(1)
    path.write_bytes(header.ljust(4096, b"\0") + content.randbytes(size // 2) +
                     b"".join(struct.pack("<Q", number) for number in range(size // 16)))
    return path


def seals(program, cipher, folder, core, *before):
    image = folder / f"{cipher}.image"
    done = run(*before, program, "--source", f"vmcore:{core}", "--output", image, "--seal",
               folder / "sender.key", "--cipher", cipher)
    assert done.returncode == 0, done.stderr
    return image


def with_key(folder, *command):
    with open(folder / "restore.key", "rb") as key:
        return run(*command, "--key-fd", "0", stdin=key)


def opens(image, folder, *before):
    done = with_key(folder, *before, BUILD / "kjump", "verify", image)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def keys(tmp_path):
    assert run(BUILD / "bench-keys", tmp_path).returncode == 0
    return tmp_path


def test_where_libsodium_is_fast(keys):
    """libgcrypt is neither asked for nor linked, and this build opens what that one sealed."""
    include = keys / "include/sodium"
    include.mkdir(parents=True)
    (include / "version.h").write_text(FAST_SODIUM)
    other = keys / "build"
    compiler = keys / "cc"
    compiler.write_text(f'#!/bin/sh\nexec gcc -isystem {include.parent} "$@"\n')
    compiler.chmod(0o755)
    done = make(f"BUILD={other}", f"CC={compiler}", "CFLAGS=-O1",
                f"{other}/kjump-write")
    assert done.returncode == 0, done.stderr
    assert b"gcry_" not in (other / "kjump-write").read_bytes()
    assert "gcrypt" not in run(REPOSITORY / "scripts/missing", compiler).stdout
    for cipher in CIPHERS:
        opens(seals(other / "kjump-write", cipher, keys, core(keys / "core")), keys)


@pytest.mark.parametrize("cipher", CIPHERS)
def test_fips_mode(keys, cipher):
    """libgcrypt would not take a nonce then: what is sealed is what it always is."""
    script = keys / "fips"
    script.write_text('#!/bin/sh -e\nmount -t tmpfs none /etc\nmkdir /etc/gcrypt\n'
                      ': > /etc/gcrypt/fips_enabled\nexec "$@"\n')
    script.chmod(0o755)
    fips = ("unshare", "--mount", script)
    image = seals(BUILD / "kjump-write", cipher, keys, core(keys / "core"), *fips)
    opens(image, keys)
    opens(image, keys, *fips)


@pytest.fixture
def plain(keys):
    image = keys / "plain.image"
    done = run(BUILD / "kjump-write", "--source", f"vmcore:{core(keys / 'core')}", "--output", image)
    assert done.returncode == 0, done.stderr
    return image


@pytest.mark.parametrize("command", [("verify",), ("info",)])
def test_a_plain_image_in_its_place(keys, plain, command):
    """Who gives a key expects a sealed image; the key is looked at all the same."""
    done = with_key(keys, BUILD / "kjump", *command, plain)
    assert done.returncode == 1
    assert "not sealed, though a key was given" in done.stderr
    assert run(BUILD / "kjump", *command, plain).returncode == 0
    (keys / "restore.key").write_bytes((keys / "sender.key").read_bytes())
    assert "holds no restore key" in with_key(keys, BUILD / "kjump", *command, plain).stderr


def test_export_of_a_plain_image_in_its_place(keys, plain):
    done = with_key(keys, BUILD / "kjump", "export", plain, keys / "out")
    assert done.returncode == 1
    assert "not sealed, though a key was given" in done.stderr
    assert not (keys / "out").exists()


def test_in_clear_beside_sealed_ones(keys):
    image = seals(BUILD / "kjump-write", CIPHERS[0], keys, core(keys / "core"))
    before = image.read_bytes()
    done = run(BUILD / "kjump-write", "--source", f"vmcore:{keys / 'core'}", "--base", image)
    assert done.returncode == 1
    assert "holds sealed images, and this one would be in clear (--seal FILE); not saved" in done.stderr
    assert image.read_bytes() == before


def test_without_the_key(keys):
    """What was not checked is said, also where nothing else would be."""
    image = seals(BUILD / "kjump-write", CIPHERS[1], keys, core(keys / "core"))
    done = run(BUILD / "kjump", "verify", "--quiet", image)
    assert done.returncode == 0
    assert done.stdout == ""
    assert "without the key only what is in clear was checked" in done.stderr


def test_a_descriptor_that_is_not_open(keys):
    """The next file to be opened would get its number."""
    image = seals(BUILD / "kjump-write", CIPHERS[1], keys, core(keys / "core"))
    done = run(BUILD / "kjump", "verify", "--key-fd", "3", image)
    assert done.returncode == 2
    assert "descriptor 3: Bad file descriptor" in done.stderr


def test_the_container_in_place_of_the_key(keys):
    image = seals(BUILD / "kjump-write", CIPHERS[1], keys, core(keys / "core"))
    (keys / "restore.key").write_bytes(b"LUKS\xba\xbe\0\2" + bytes(4088))
    done = with_key(keys, BUILD / "kjump", "verify", image)
    assert done.returncode == 1
    assert "holds a container that is not open, which is for --key" in done.stderr


def writable_mappings(pid):
    """Of a process: those that hold what it has written, with the kernel's flags of each."""
    lines = (Path("/proc") / str(pid) / "smaps").read_text().splitlines()
    name = None
    for line in lines:
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            name = line if " rw-p " in line else None
        elif name and line.startswith("VmFlags:"):
            yield name, line.split()[1:]


def stopped_with_threads(process):
    """Stopped while it has more than one; False when it has ended before."""
    while process.poll() is None:
        if len(os.listdir(f"/proc/{process.pid}/task")) > 2:
            process.send_signal(signal.SIGSTOP)
            return process.poll() is None
    return False


@pytest.mark.skipif(os.geteuid() != 0, reason="who is not root may not lock memory")
def test_keys_are_in_locked_memory(keys):
    """That of threads, too, which are started after the key was read."""
    image = seals(BUILD / "kjump-write", CIPHERS[0], keys, core(keys / "core", 128 << 20))
    command = [BUILD / "kjump", "verify", "--workers", "4", "--quiet", "--key-fd", "0", image]
    for _ in range(20):
        with open(keys / "restore.key", "rb") as key:
            process = subprocess.Popen(command, stdin=key)
        found = list(writable_mappings(process.pid)) if stopped_with_threads(process) else []
        process.send_signal(signal.SIGCONT)
        assert process.wait() == 0
        if found:
            break
    assert found
    assert [name for name, flags in found if "lo" not in flags] == []
