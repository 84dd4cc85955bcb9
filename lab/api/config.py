# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file of a node's API daemon: JSON, every key optional.

A nested node is content with ``{}``: its name is the host's, its addresses are the host's, its guests are namespaces.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

STATE_DIR = Path("/var/lib/homelab-pve-lab")
RUN_DIR = Path("/run/homelab-pve-lab")
ETC_DIR = Path("/etc/pve")
ROOT_HOME = Path("/root")
# Inside the network namespace of a node, where nothing but the lab can reach it.
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104
DRIVERS = ("namespace", "none")
SEEDS = ("outer", "nested")


class ConfigFileError(Exception):
    """The configuration cannot be used; the text names the file, the key and what would be right."""


@dataclass(frozen=True)
class ApiConfig:
    """How one node's API runs. ``tokens`` and ``password`` apply to a node that starts for the first time.

    ``home`` is root's on the node: its SSH keys are put there (node_keys.py).
    """

    node: str = field(default_factory=lambda: socket.gethostname().partition(".")[0])
    address: str = EVERY_ADDRESS
    port: int = 8006
    listen_fds: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    state_dir: Path = STATE_DIR
    etc_dir: Path | None = ETC_DIR
    home: Path = ROOT_HOME
    files_root: Path = Path("/")
    socket: Path | None = RUN_DIR / "api.sock"
    control_socket: Path | None = RUN_DIR / "control.sock"
    driver: str = "namespace"
    seed: str = "nested"
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def volumes_dir(self) -> Path:
        """Where guests' volumes are, one folder a storage."""
        return self.state_dir / "volumes"

    @property
    def state_file(self) -> Path:
        """The node's state between two starts."""
        return self.state_dir / "api" / "state.json"

    @property
    def pki_dir(self) -> Path:
        """The node's CA and its certificate, with their keys."""
        return self.state_dir / "pki"


def _optional_path(value: str | None) -> Path | None:
    return None if value is None else Path(value)


# JSON value -> value of the field, where they differ.
CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "listen_fds": tuple,
    "names": tuple,
    "state_dir": Path,
    "files_root": Path,
    "etc_dir": _optional_path,
    "home": Path,
    "socket": _optional_path,
    "control_socket": _optional_path,
}
CHOICES: Mapping[str, tuple[str, ...]] = {"driver": DRIVERS, "seed": SEEDS}


def from_dict(document: Mapping[str, Any], source: str) -> ApiConfig:
    """The configuration a JSON object describes. Raises ConfigFileError for unknown keys and values."""
    known = {item.name for item in fields(ApiConfig)}
    unknown = sorted(set(document) - known)
    if unknown:
        raise ConfigFileError(f"{source}: unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
    for key, choices in CHOICES.items():
        if document.get(key, choices[0]) not in choices:
            raise ConfigFileError(f"{source}: {key} is {document[key]!r}; it must be one of {', '.join(choices)}")
    return ApiConfig(**{key: CONVERSIONS.get(key, _same)(value) for key, value in document.items()})


def _same(value: object) -> object:
    return value


def load(path: Path) -> ApiConfig:
    """Read a configuration file. Raises ConfigFileError when it is missing or not what it should be."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigFileError(f"{path}: {error.strerror}; write {{}} to it for a nested node") from error
    except ValueError as error:
        raise ConfigFileError(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ConfigFileError(f"{path} holds a {type(document).__name__}; it must be a JSON object")
    return from_dict(document, str(path))
