# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the host's name to its bridge: is everything there that work on this host needs?"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    CertificateError,
    FindingsError,
    HomelabPveError,
)
from ansible_collections.homelab.pve.plugins.module_utils.executor import reachable
from ansible_collections.homelab.pve.plugins.module_utils.resources import readiness
from ansible_collections.homelab.pve.plugins.module_utils.resources.readiness import Check, failed, ok, skipped

OPTIONS: Options = {
    "node": {"type": "str"},
    "template": {"type": "str"},
    "bridge": {"type": "str"},
    "storages": {"type": "list", "elements": "raw"},
    "vmid_range": {"type": "list", "elements": "int"},
    "privileges": {"type": "dict"},
}


def preflight(client: Client, params: Values) -> dict[str, Json]:
    """Answer of the module preflight. Raises FindingsError with all findings when a check failed."""
    checks = [check.shown() for check in findings(client, params)]
    bad = [check for check in checks if check["status"] == "failed"]
    if bad:
        lines = "\n".join(f"- {check['name']}: {check['message']}. {check['remedy']}" for check in bad)
        raise FindingsError(f"{params['host'] or 'This node'} is not ready:\n{lines}", {"checks": checks})
    return {"changed": False, "checks": checks}


def findings(client: Client, params: Values) -> Iterator[Check]:
    """All checks. What can't be looked at because of an earlier failure is skipped, not failed."""
    way = list(_way_there(client, params))
    yield from way
    later = readiness.names(params)
    if any(check.status == "failed" for check in way):
        yield from (skipped(name, "not looked at: the API can't be used") for name in later)
        return
    yield from _through_api(client, params, later)


def _way_there(client: Client, params: Values) -> Iterator[Check]:
    """Name, port, certificate, login: each needs the one before."""
    stages: Sequence[tuple[tuple[str, ...], Callable[[Client, Values], Iterator[Check]]]] = (
        (("name resolution",), _resolved),
        (("port",), _connected),
        (("tls", "login"), _logged_in),
    )
    broken = False
    for names, stage in stages if params["transport"] == "https" else stages[-1:]:
        found = [skipped(name, "not looked at") for name in names] if broken else list(stage(client, params))
        broken = broken or any(check.status == "failed" for check in found)
        yield from found


def _resolved(_client: Client, params: Values) -> Iterator[Check]:
    host = params["host"]
    try:
        found = socket.getaddrinfo(host, params["port"], type=socket.SOCK_STREAM)
    except OSError as error:
        yield failed(
            "name resolution", f"{host} has no address: {error.strerror}", "Check the name, or give the host's address."
        )
        return
    yield ok("name resolution", f"{host} is {found[0][4][0]}")


def _connected(_client: Client, params: Values) -> Iterator[Check]:
    host, port = params["host"], params["port"]
    reason = reachable(host, port, params["connect_timeout"])
    if reason:
        yield failed(
            "port",
            f"{host} port {port}: {reason}",
            "Check that the host is up, that pveproxy runs on it, and that no firewall is in between.",
        )
        return
    yield ok("port", f"{host} answers on port {port}")


def _logged_in(client: Client, params: Values) -> Iterator[Check]:
    """One request tells about the certificate and the login."""
    try:
        version = client.get("/version")["version"]
    except CertificateError as error:
        yield failed("tls", error.reason, "Give ca_path or fingerprint, and a name or address the certificate names.")
        yield skipped("login", "not looked at")
    except AuthenticationError as error:
        yield ok("tls", _trusted(params))
        yield failed("login", str(error), "Check the API token, or make a new one: pveum user token add USER NAME")
    except HomelabPveError as error:
        yield failed("login", str(error), "Look at the journal of pveproxy and pvedaemon on the host.")
    else:
        yield ok("tls", _trusted(params))
        yield ok("login", f"Proxmox VE {version} accepts {params['token_id'] or params['user'] or 'root'}")


def _trusted(params: Values) -> str:
    if params["transport"] != "https":
        return "not used by this transport"
    return "the certificate is trusted" if params["validate_certs"] else "the certificate is not verified"


def _through_api(client: Client, params: Values, names: Sequence[str]) -> Iterator[Check]:
    """The rest; an error in the middle fails the check it hit and skips those after it."""
    left = list(names)
    try:
        for check in readiness.look(client, params):
            del left[0]
            yield check
    except HomelabPveError as error:
        yield failed(left[0], str(error), "Check the login's privileges and the node's state.")
        yield from (skipped(name, "not looked at") for name in left[1:])
