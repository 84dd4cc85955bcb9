# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a volume the root of a PVE node: the API's configuration and the commands, in front of the base image.

The guests' init starts the API of a root that has the configuration (:mod:`lab.guests.node`). The commands are one
Python program under several names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from lab.guests.node import API_CONFIG, LIBRARY
from lab.guests.volume import ROOT

# Where PVE's packages install their commands; not everybody's PATH has both.
BIN, SBIN = "usr/bin", "usr/sbin"
COMMANDS: Mapping[str, str] = {
    "ha-manager": SBIN,
    "pct": SBIN,
    "pve-firewall": SBIN,
    "pveam": BIN,
    "pvecm": BIN,
    "pvenode": BIN,
    "pvesh": BIN,
    "pvesm": SBIN,
    "pvesubscription": BIN,
    "pveum": SBIN,
    "pveversion": BIN,
    "qm": SBIN,
    "qmrestore": SBIN,
    "vzdump": BIN,
}
# -S and -E: a command of PVE starts hundreds of times in a play, and site packages are not for it.
WRAPPER = """\
#!/bin/sh
exec /usr/bin/python3 -S -E -c 'import sys; sys.path.insert(0, "{library}"); import lab.commands.__main__ as command; \
sys.exit(command.main())' {name} "$@"
"""
# The kernel would say whether nested virtualisation is on; guests here are namespaces, which nest without it.
DIRECTORIES = ("etc/pve", "var/lib/vz", "var/log/pve", "etc/homelab-pve-lab", BIN, SBIN)


def write_node_files(volume: Path, config: Mapping[str, object] | None = None) -> None:
    """Make a volume (a directory as :mod:`lab.guests.volume` lays it out) a node's, with the API's configuration."""
    root = volume / ROOT
    for folder in DIRECTORIES:
        _make_folder(root, folder)
    for name, folder in COMMANDS.items():
        _write(root / folder / name, WRAPPER.format(library=LIBRARY, name=name), 0o755)
    _write(root / API_CONFIG.lstrip("/"), json.dumps(dict(config or {}), indent=2) + "\n", 0o600)


def _make_folder(root: Path, folder: str) -> None:
    """Make a folder readable for everybody: in an overlay its mode hides the one of the base image."""
    (root / folder).mkdir(parents=True, exist_ok=True)
    for path in [root / folder, *(root / folder).parents]:
        path.chmod(0o755)
        if path == root:
            break


def _write(path: Path, content: str, mode: int) -> None:
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)
