# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules' connection options from variables: ``pve_host`` and the others, or the dictionary ``pve_api``."""

from __future__ import annotations

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.homelab.pve.plugins.module_utils.api import Connection
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.module import CONNECTION_OPTIONS

PREFIX = "pve_"
TOGETHER = "pve_api"

OMITTED = "__omit_place_holder__"
"""How a value begins that was to be left out: before ansible-core 2.19 it stays in a dictionary."""


def is_set(value: Json) -> bool:
    """Whether a variable says something: an empty one is how inventories leave an option out."""
    return value not in (None, "") and not str(value).startswith(OMITTED)


def options(variables: Values) -> dict[str, Json]:
    """The options that variables set. Raises ConfigError for an entry of the dictionary that is no option."""
    together = variables.get(TOGETHER) or {}
    unknown = sorted(set(together) - set(CONNECTION_OPTIONS))
    if unknown:
        raise ConfigError(f"{TOGETHER} has the entry '{unknown[0]}', which is no connection option of the modules.")
    single = {name: variables.get(f"{PREFIX}{name}") for name in CONNECTION_OPTIONS}
    return {name: value for values in (together, single) for name, value in values.items() if is_set(value)}


def connection(variables: Values) -> Connection:
    """How the API is reached: as variables say, then the environment, then the defaults. Raises ConfigError."""
    checked = ArgumentSpecValidator(CONNECTION_OPTIONS).validate(options(variables))
    if checked.error_messages:
        raise ConfigError(f"The connection options: {'; '.join(checked.error_messages)}.")
    return Connection.from_params(checked.validated_parameters)
