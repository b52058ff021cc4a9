# SPDX-License-Identifier: GPL-2.0-or-later
"""How the machines of a test jump, which the fixture `way` tells; artifacts.boots() has the ways."""

import pytest

kexec_jump = pytest.mark.kexec_jump

# Parameters of the fixture, for what either way does by itself.
WAYS = ["module", pytest.param("kexec_jump", marks=kexec_jump)]
