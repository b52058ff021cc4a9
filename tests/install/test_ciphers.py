# SPDX-License-Identifier: GPL-2.0-or-later
"""Sealed images are the same whichever library has sealed them."""

import random
import struct

import pytest

from common import BUILD, REPOSITORY, make, run

CIPHERS = ("AES-256-GCM", "XChaCha20-Poly1305")

# What libsodium 1.0.19 says of itself.
FAST_SODIUM = "#define SODIUM_VERSION_STRING \"1.0.19\"\n#define SODIUM_LIBRARY_VERSION_MAJOR 26\n"


def core(path):
    """The memory of a machine of 4 MiB, half of which can be compressed."""
    size = 4 << 20
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


def opens(image, folder, *before):
    with open(folder / "restore.key", "rb") as key:
        done = run(*before, BUILD / "kjump", "verify", "--key-fd", "0", image, stdin=key)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def keys(tmp_path):
    assert make("build/bench-keys").returncode == 0
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
