# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's side of the guest's command agent; guest/agent describes the protocol."""

import base64
import re
import socket
import time

REPLY = re.compile(rb"R\t(\d+)\t(\d+)\t(\d+)\t([A-Za-z0-9+/=]*)")


class AgentTimeout(Exception):
    pass


class AgentClient:
    """One command at a time over a QEMU socket; survives jumps and QEMU's end."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = None
        self.received = b""
        self.number = 0

    def disconnect(self):
        """QEMU is gone; the next command connects to the next one."""
        if self.socket:
            self.socket.close()
        self.socket = None
        self.received = b""

    def call(self, command, timeout):
        """Run COMMAND in the guest. Returns (status, output)."""
        self.number += 1
        encoded = base64.b64encode(command.encode())
        # The newline in front ends whatever half of a request may lie in the guest's buffer.
        request = b"\n%d\t%d\t%s\n" % (self.number, len(encoded), encoded)
        deadline = time.monotonic() + timeout
        pause = 2
        while time.monotonic() < deadline:
            self._send(request)
            until = min(deadline, time.monotonic() + pause)
            reply = self._receive(until)
            if reply:
                return reply
            # Lost on the way, or the command takes its time: asking again does not run it again.
            pause = min(2 * pause, 60)
        raise AgentTimeout(f"no answer within {timeout} s: {command}")

    def _send(self, request):
        try:
            if not self.socket:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.connect(self.path)
            self.socket.settimeout(1)
            self.socket.sendall(request)
        except OSError:
            self.disconnect()

    def _receive(self, until):
        while time.monotonic() < until:
            if not self.socket:
                time.sleep(0.1)
                return None
            self.socket.settimeout(max(0.01, until - time.monotonic()))
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                return None
            except OSError:
                data = b""
            if not data:
                self.disconnect()
                continue
            self.received += data
            reply = self._parse()
            if reply:
                return reply
        return None

    def _parse(self):
        *lines, self.received = self.received.split(b"\n")
        for line in lines:
            match = REPLY.search(line)
            if not match or int(match[1]) != self.number or int(match[3]) != len(match[4]):
                continue
            return int(match[2]), base64.b64decode(match[4]).decode(errors="replace")
        return None
