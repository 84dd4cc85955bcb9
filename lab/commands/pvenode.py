# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pvenode (PVE/CLI/pvenode.pm of pve-manager)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from lab.commands import client, output, passwords
from lab.commands.command import Answered, Command, Tree, by_task, formatted, lines, own, refusing
from lab.commands.guest_text import escaped
from lab.commands.options import Values

NODE = "/nodes/{node}"
TASK = NODE + "/tasks/{upid}"
ACCOUNTS, PLUGINS = "/cluster/acme/account", "/cluster/acme/plugins"
INFO = "PVE::API2::Nodes::Nodeinfo"
CERTIFICATE_COLUMNS = (
    "filename",
    "fingerprint",
    "subject",
    "issuer",
    "notbefore",
    "notafter",
    "public-key-type",
    "public-key-bits",
    "san",
)
TASK_COLUMNS = ("upid", "type", "id", "user", "starttime", "endtime", "status")
# Titles of the list of tasks; the schema at hand has none (PVE/API2/Tasks.pm).
TASK_TITLES = {
    "upid": "UPID",
    "type": "Type",
    "id": "ID",
    "user": "User",
    "starttime": "Starttime",
    "endtime": "Endtime",
    "status": "Status",
}
# More lines than any task has: without a limit the API hands out fifty.
ALL_LINES = 1000000


def node_config(answered: Answered) -> str:
    """``pvenode config get``: as the configuration file has it, the description as a comment."""
    data = answered.data
    about = [f"#{escaped('description', line)}" for line in str(data.get("description") or "").splitlines()]
    keys = sorted(set(data) - {"description", "digest"})
    return lines([*about, *(f"{key}: {data[key]}" for key in keys)])


def certificates(answered: Answered) -> str:
    """``pvenode cert info``: a table for each certificate."""
    if answered.formats.get("output-format", "text") != "text":
        return formatted(answered)
    found = sorted(answered.data, key=lambda item: str(item["filename"]))
    return "".join(_certificate(item, answered.returns.get("items") or {}, answered.formats) for item in found)


def _certificate(data: Any, schema: Mapping[str, Any], formats: Values) -> str:  # noqa: ANN401
    how = output.style({**formats, "noheader": 1}, sort_key="")
    return output.render(data, schema, how, CERTIFICATE_COLUMNS)


def certificate(answered: Answered) -> str:
    """``pvenode cert set``: the certificate that is served now."""
    return _certificate(answered.data, answered.returns, answered.formats)


def tasks(answered: Answered) -> str:
    """``pvenode task list``: an error is told as one, its text by ``task status``."""
    rows = [{**row, "status": _outcome(row.get("status"))} for row in answered.data]
    known = (answered.returns.get("items") or {}).get("properties") or {}
    titled = {name: {**schema, "title": TASK_TITLES.get(name, name)} for name, schema in known.items()}
    schema = {"type": "array", "items": {"type": "object", "properties": titled}}
    return output.render(rows, schema, output.style(answered.formats), TASK_COLUMNS)


def _outcome(status: str | None) -> str:
    if status is None:
        return "UNKNOWN"
    return "ERROR" if client.is_error(status) and status != "RUNNING" else status


def task_log(answered: Answered) -> str:
    """``pvenode task log``."""
    return lines([line["t"] for line in answered.data])


def account_names(answered: Answered) -> str:
    """``pvenode acme account list``."""
    return lines([account["name"] for account in answered.data])


def woken(answered: Answered) -> str:
    """``pvenode wakeonlan``."""
    return f"Wake on LAN packet send for '{answered.data}'\n"


def read_certificates(values: Values) -> Values:
    """On the command line the certificate and its key are files."""
    for name in ("certificates", "key"):
        if name in values:
            values[name] = passwords.of_file(str(values[name]))
    return values


def read_plugin(values: Values) -> Values:
    """On the command line a plugin's data is a file; the API takes it as base64 for URLs."""
    if "data" in values:
        text = passwords.of_file(str(values["data"])).encode()
        values["data"] = base64.urlsafe_b64encode(text).decode().rstrip("=")
    return values


def _plain(method: str, path: str, *words: str, **more: object) -> Command:
    return Command(method, path, words, **more)  # type: ignore[arg-type]


PVENODE: Tree = {
    "config": {
        "get": _plain("GET", NODE + "/config", show=node_config),
        "set": _plain("PUT", NODE + "/config"),
    },
    "startall": _plain("POST", NODE + "/startall", section=INFO),
    "stopall": _plain("POST", NODE + "/stopall", section=INFO),
    "migrateall": _plain("POST", NODE + "/migrateall", "target", section=INFO),
    "wakeonlan": _plain("POST", "/nodes/{node}/wakeonlan", "node", show=woken, section=INFO),
    "cert": {
        "info": _plain("GET", NODE + "/certificates/info", show=certificates, formats=True),
        "set": _plain(
            "POST",
            NODE + "/certificates/custom",
            "certificates",
            "key",
            show=certificate,
            formats=True,
            prepare=read_certificates,
        ),
        "delete": _plain("DELETE", NODE + "/certificates/custom", "restart"),
    },
    "task": {
        "list": _plain("GET", NODE + "/tasks", show=tasks, formats=True),
        "status": _plain("GET", TASK + "/status", "upid", show=formatted, formats=True),
        "log": _plain("GET", TASK + "/log", "upid", show=task_log, fixed={"limit": ALL_LINES}),
    },
    "acme": {
        "account": {
            "list": _plain("GET", ACCOUNTS, show=account_names),
            "register": own(
                refusing("not in the lab, which asks no certificate authority"),
                ("name", "contact"),
                name={"type": "string", "optional": 1},
                contact={"type": "string", "format": "email-list"},
                directory={"type": "string", "optional": 1},
            ),
            "deactivate": _plain("DELETE", ACCOUNTS + "/{name}", "name", show=by_task),
            "info": _plain("GET", ACCOUNTS + "/{name}", "name", show=formatted, formats=True),
            "update": _plain("PUT", ACCOUNTS + "/{name}", "name", show=by_task),
        },
        "cert": {
            "order": _plain("POST", NODE + "/certificates/acme/certificate", show=by_task),
            "renew": _plain("PUT", NODE + "/certificates/acme/certificate", show=by_task),
            "revoke": _plain("DELETE", NODE + "/certificates/acme/certificate", show=by_task),
        },
        "plugin": {
            "list": _plain("GET", PLUGINS, show=formatted, formats=True),
            "config": _plain("GET", PLUGINS + "/{id}", "id", show=formatted, formats=True),
            "add": _plain("POST", PLUGINS, "type", "id", prepare=read_plugin),
            "set": _plain("PUT", PLUGINS + "/{id}", "id", prepare=read_plugin),
            "remove": _plain("DELETE", PLUGINS + "/{id}", "id"),
        },
    },
}
