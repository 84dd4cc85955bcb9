# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request over the wire, with nothing between the test and what comes back."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from lab.api.serving import ServedLab

IMPATIENT = 0.2
PATIENT = 10.0


@contextmanager
def connection(lab: ServedLab, timeout: float = PATIENT) -> Iterator[http.client.HTTPSConnection]:
    """A connection without retries or pooling between the test and what comes over the wire."""
    context = ssl.create_default_context(cafile=str(lab.ca_path))
    found = http.client.HTTPSConnection(lab.host, lab.port, timeout=timeout, context=context)
    try:
        yield found
    finally:
        found.close()


def send(found: http.client.HTTPSConnection, lab: ServedLab, method: str, path: str) -> http.client.HTTPResponse:
    authorization = f"PVEAPIToken={lab.token_id}={lab.token_secret}"
    found.request(method, f"/api2/json{path}", headers={"Authorization": authorization})
    return found.getresponse()


def raw(lab: ServedLab, method: str = "GET", path: str = "/version", timeout: float = PATIENT) -> tuple[int, bytes]:
    """Status and body of one request on a connection of its own."""
    with connection(lab, timeout) as found:
        answer = send(found, lab, method, path)
        return answer.status, answer.read()


def is_healthy(lab: ServedLab) -> bool:
    lab.api.heal()
    status, body = raw(lab)
    return status == 200 and bool(json.loads(body)["data"]["version"])
