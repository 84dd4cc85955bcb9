# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it takes to bring the services of an application from what is there to what is wanted. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TypedDict

from ansible_collections.homelab.pve.plugins.plugin_utils import service_file, systemd_unit


class Wanted(TypedDict):
    """What a service file comes to.

    units: texts of the units. environments: texts of the environment files, by unit; secret.
    running: the units that have to run whenever they are looked at.
    """

    units: dict[str, str]
    environments: dict[str, str]
    running: list[str]


class UnitThere(TypedDict):
    """A unit's file in the container: its text, the application it belongs to (empty: none of ours), its state."""

    text: str
    owner: str
    active: str
    enabled: bool


class Found(TypedDict):
    """What the container has of an application.

    release: what ``current`` leads to. started: what each unit was started from. environments: SHA-256, by unit.
    """

    release: str
    releases: list[str]
    units: dict[str, UnitThere]
    environments: dict[str, str]
    started: dict[str, str]


class Plan(TypedDict):
    """What is to be done. started: what each unit will have been started from."""

    changed: bool
    release: str
    carry: bool
    units: list[str]
    environments: list[str]
    remove: list[str]
    enable: list[str]
    restart: list[str]
    start: list[str]
    started: dict[str, str]
    reasons: list[str]


class OwnerError(Exception):
    """A unit of that name is somebody else's."""


def wanted(
    document: object, app: str, directory: str, files: Mapping[str, str] | None = None, last: str = ""
) -> Wanted:
    """Units and environments of a service file. Raises ServiceFileError.

    :param app: name of the application, the beginning of its units' names
    :param directory: the application's directory in the container
    :param files: texts of the environment files that the service file names
    :param last: text of an environment file for all services, which wins
    """
    services = service_file.parse(document)
    overrides = service_file.read_environment(last)
    names = {service.name: systemd_unit.unit_name(app, service.name) for service in services}
    return {
        "units": {names[each.name]: systemd_unit.unit(each, app, directory) for each in services},
        "environments": {
            names[each.name]: systemd_unit.environment_text({**environment(each, files or {}), **overrides})
            for each in services
        },
        "running": [names[each.name] for each in services if each.restart in {"always", "unless-stopped"}],
    }


def environment(service: service_file.Service, files: Mapping[str, str]) -> dict[str, str]:
    """A service's variables; as with Compose, what the service file itself sets wins over the files it names."""
    found: dict[str, str] = {}
    for path in service.env_file:
        try:
            found |= service_file.read_environment(files[path])
        except service_file.ServiceFileError as error:
            raise service_file.ServiceFileError([f"{path}, {line[2:]}" for line in str(error).splitlines()]) from None
    return found | service.environment


def plan(want: Wanted, there: Found, release: str, app: str) -> Plan:
    """What is to be done, each with its reason. Raises OwnerError.

    :param release: id of the files that are wanted
    """
    _refuse_others(want, there, app)
    digests = {name: digest(release, text, want["environments"][name]) for name, text in want["units"].items()}
    units = [name for name, text in want["units"].items() if _unit(there, name)["text"] != text]
    environments = [name for name, text in want["environments"].items() if there["environments"].get(name) != sha(text)]
    remove = [name for name, unit in there["units"].items() if unit["owner"] == app and name not in want["units"]]
    enable = [name for name in want["units"] if not _unit(there, name)["enabled"]]
    restart = [name for name, each in digests.items() if there["started"].get(name) != each]
    asleep = [name for name in want["running"] if _unit(there, name)["active"] not in {"active", "activating"}]
    start = [name for name in asleep if name not in restart]
    reasons = [
        *(
            [f"release {release[:12]} instead of {there['release'][:12] or 'none'}"]
            if release != there["release"]
            else []
        ),
        *(f"{name} is written" for name in units),
        *(f"the environment of {name} is written" for name in environments),
        *(f"{name} is stopped and removed" for name in remove),
        *(f"{name} is enabled" for name in enable),
        *(f"{name} is {'restarted' if name in there['started'] else 'started'}" for name in restart),
        *(f"{name} is started: it was {_unit(there, name)['active']}" for name in start),
    ]
    return {
        "changed": bool(reasons),
        "release": release,
        "carry": release not in there["releases"],
        "units": units,
        "environments": environments,
        "remove": remove,
        "enable": enable,
        "restart": restart,
        "start": start,
        "started": digests,
        "reasons": reasons,
    }


NO_UNIT: UnitThere = {"text": "", "owner": "", "active": "inactive", "enabled": False}


def _unit(there: Found, name: str) -> UnitThere:
    return there["units"].get(name, NO_UNIT)


def _refuse_others(want: Wanted, there: Found, app: str) -> None:
    taken = [name for name in want["units"] if name in there["units"] and there["units"][name]["owner"] != app]
    if taken:
        owner = there["units"][taken[0]]["owner"]
        whose = f"belongs to the application '{owner}'" if owner else "was not written by a deployment"
        raise OwnerError(f"The unit {taken[0]} is there already and {whose}. Give the application another name (app).")


def sha(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def digest(release: str, unit: str, environment_text: str) -> str:
    """What a service is started from: when this changes, it has to be restarted."""
    return sha("\0".join((release, unit, environment_text)))
