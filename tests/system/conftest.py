# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures: machines never outlive their test, and what a failed one said last is shown."""

import pytest

from server import Server


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    result = yield
    report = result.get_result()
    for server in getattr(item, "servers", []) if report.failed else []:
        report.sections.append(("console", server.machine.tail(120)))


@pytest.fixture
def make_server(tmp_path, request):
    """A Server(suite, kind), with kjump set up in it."""
    servers = request.node.servers = []

    def make(suite, kind, tpm=False):
        servers.append(Server(tmp_path / "server", suite, kind, tpm))
        servers[-1].start()
        return servers[-1]

    yield make
    for server in servers:
        server.machine.kill()
        server.stop_tpm()
        # Gigabytes that pytest would keep.
        (tmp_path / "server/disk.raw").unlink(missing_ok=True)
