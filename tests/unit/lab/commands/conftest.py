# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines on the node father, against an API on a Unix socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.api.serving import ServedLab
from tests.node_commands import NodeCommands


@pytest.fixture
def run(
    lab_api: ServedLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> NodeCommands:
    """Runs a command line on the node father."""
    return NodeCommands(lab_api.at, tmp_path, monkeypatch, capsys)
