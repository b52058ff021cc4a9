# SPDX-License-Identifier: GPL-2.0-or-later
"""A pair of keys, the sender's of them in the machine; kernel C gets the other one on its command line."""

import base64
import gzip
import subprocess

import artifacts

KEYS = artifacts.BUILD / "bench-keys"


def container_head(path):
    """The head of a container, which is all that `kjump` looks at before it saves. The tests give kernel C the key that it
    would hold."""
    path.write_bytes(bytes(2 << 20))
    subprocess.run(["cryptsetup", "luksFormat", "--type", "luks2", "--batch-mode", "--pbkdf", "pbkdf2",
                    "--pbkdf-force-iterations", "1000", "--luks2-metadata-size", "16k",
                    "--luks2-keyslots-size", "256k", "--key-file", "-", path],
                   input=b"of no use", stderr=subprocess.DEVNULL, check=True)
    return gzip.compress(path.read_bytes()[:32768])


class Pair:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        subprocess.run([KEYS, folder], check=True)
        self.restore_key = (folder / "restore.key").read_bytes()

    @property
    def parameter(self):
        return f"test.key={base64.b64encode(self.restore_key).decode()}"

    def give(self, machine):
        """From now on the machine seals its images."""
        sender = base64.b64encode((self.folder / "sender.key").read_bytes()).decode()
        machine.run("mkdir -p -m 700 /etc/kjump && umask 077 && "
                    f"echo {sender} | base64 -d > /etc/kjump/sender.key")
        head = base64.b64encode(container_head(self.folder / "key.luks")).decode()
        machine.run(f"echo {head} | base64 -d | gunzip > /etc/kjump/key.luks")

    def image_keys(self, path):
        """Of all images that are on the disk at PATH now."""
        done = subprocess.run([KEYS, self.folder, path], stdout=subprocess.PIPE, text=True, check=True)
        return [bytes.fromhex(line) for line in done.stdout.split()]
