# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the outermost node's API is told."""

from __future__ import annotations

from pathlib import Path

from lab import father
from lab.api import config


def test_an_api_without_a_node_keeps_every_file_below_its_state(tmp_path: Path) -> None:
    told = config.load(father.configure_api_only(tmp_path, "127.0.0.1", 3))
    assert told.driver == "none"
    for place in (told.files_root, told.volumes_dir, told.state_file, told.pki_dir):
        assert place.is_relative_to(tmp_path)
