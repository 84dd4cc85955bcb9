# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is sent to the areas of the estate, the answer is one of PVE's, and the lab stays as it is to be saved."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from lab.api.fake import pve_schema

from .conftest import Client

AREAS = (
    "/access/domains",
    "/cluster/backup",
    "/cluster/firewall",
    "/cluster/jobs",
    "/cluster/mapping",
    "/cluster/metrics",
    "/cluster/notifications",
    "/cluster/options",
    "/cluster/replication",
    "/cluster/sdn",
    "/nodes/{node}/config",
    "/nodes/{node}/dns",
    "/nodes/{node}/hosts",
    "/nodes/{node}/network",
    "/nodes/{node}/services",
    "/nodes/{node}/storage/{storage}/prunebackups",
    "/nodes/{node}/time",
    "/nodes/{node}/vzdump",
)
# What makes everything after it answer the same.
LEFT_OUT = ("/cluster/sdn/lock",)
JUNK: tuple[Any, ...] = (
    "", "x", "-1", "a=b,c", "=", "\n", "ü", "9" * 40, "../..", "10.0.0.0/24", "fd00::/64", "z1-10.0.0.0-24",
    "node=father", ["a", "b"], {"a": 1}, None, True, 1.5, "local:backup/x", "100", "vmbr0", "simple", "daily",
    "start-address=10.0.0.1,end-address=x",
)  # fmt: skip
NAMES = {
    "node": "father", "vnet": "v1", "zone": "z1", "storage": "local", "id": "j1", "name": "mail-to-root",
    "realm": "pam", "iface": "vmbr0", "service": "cron", "subnet": "10.70.0.0/24",
}  # fmt: skip
ROUNDS = 4
ANSWERS = (200, 400, 403, 404, 500, 501)


def requests() -> list[tuple[str, str]]:
    """Methods and path templates of the areas."""
    paths = pve_schema.load().paths
    return sorted(
        (method, path)
        for path, methods in paths.items()
        for method in methods
        if path.startswith(AREAS) and path not in LEFT_OUT
    )


def junk(chance: random.Random, method: str, path: str) -> dict[str, Any]:
    """Values for a request: some missing, some right, most wrong."""
    known = (pve_schema.load().paths[path][method].get("parameters") or {}).get("properties", {})
    values: dict[str, Any] = {}
    for name, rule in known.items():
        if chance.random() < 0.3 or not rule.get("optional"):
            right = rule["enum"][0] if rule.get("enum") else NAMES.get(name, 1)
            values[name] = right if chance.random() < 0.5 else chance.choice(JUNK)
    return {name: value for name, value in values.items() if f"{{{name}}}" not in path}


@pytest.mark.parametrize("seed", [1, 2])
def test_no_request_breaks_the_api(client: Client, seed: int) -> None:
    client.post("/cluster/sdn/zones", zone="z1", type="simple")
    client.post("/cluster/sdn/vnets", vnet="v1", zone="z1")
    client.post("/cluster/backup", id="j1", schedule="daily", all=1, storage="local")
    chance = random.Random(seed)
    asked = requests() * ROUNDS
    chance.shuffle(asked)
    for method, path in asked:
        values = junk(chance, method, path)
        url = re.sub(r"\{([\w-]+)\}", lambda found: NAMES.get(found[1], "xx").replace("/", "%2F"), path)
        body: dict[str, Any] = {"params": {k: v for k, v in values.items() if isinstance(v, str)}}
        body = body if method in ("GET", "DELETE") else {"json": values}
        answer = client.session.request(method, f"{client.lab.url}/api2/json{url}", timeout=10, **body)
        assert answer.status_code in ANSWERS, (method, path, values, answer.text)
        assert "internal error" not in answer.text, (method, path, values)
    document = client.lab.api.document()
    client.lab.api.restore(document)
    assert client.get("/nodes/father/network")
