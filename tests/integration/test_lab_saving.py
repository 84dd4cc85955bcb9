# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole lab kept under a name and brought back; faults of one that is booted."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from lab import control, saving
from lab.control_socket import SocketControl
from tests.integration.conftest import NodeApi, entered, until

pytestmark = pytest.mark.lab
# Stopped once it is what it will be: before, it holds the session's output open.
STOPPED = (
    "sleep 1000 > /dev/null 2>&1 & echo $! > /root/pid; until grep -q sleep /proc/$!/comm; do :; done; kill -STOP $!"
)
STATE_OF = "ps -o stat= -p $(cat /root/pid)"


def test_a_lab_is_kept_and_brought_back(lab_state: Path) -> None:
    """Its guests come back as after a power loss: those with ``onboot`` run, with the disks of then."""
    with entered(control.ensure_up(print)) as stand:
        api = stand.father()
        api.clone(9001, 100, "web", stand.key, onboot=1)
        api.start(100)
        stand.ssh("web", f"echo then > /root/file; {STOPPED}")
        booted = stand.ssh("web", "cat /proc/1/stat").split()[21]
        saving.save("one")
        assert stand.ssh("web", "cat /proc/1/stat").split()[21] == booted, "the guest did not go on"
        assert stand.ssh("web", STATE_OF).startswith("T"), "what was stopped before goes on"
        stand.ssh("web", "echo later > /root/file")
        api.call("POST", "/pools", poolid="later")
    present = saving.restore("one", print)
    assert present is not None
    with entered(present) as stand:
        api = stand.father()
        assert api.call("GET", "/pools") == []
        until(lambda: api.status(100) == "running", "a guest with onboot")
        api.address(100)
        assert stand.ssh("web", "cat /root/file") == "then\n"
        breaks_and_heals(api)
    assert [item.name for item in saving.listing()] == ["one"]
    saving.delete("one")
    assert lab_state.is_dir()


def breaks_and_heals(api: NodeApi) -> None:
    """Faults reach a booted node over its control socket."""
    lab = SocketControl()
    with lab.fault("fail", status=503, path="/version"), pytest.raises(requests.HTTPError, match="503"):
        api.call("GET", "/version")
    with lab.no_writes():
        assert api.call("GET", "/version")["version"]
    lab.clear_requests()
    api.call("GET", "/version")
    lab.assert_requests(["GET /version"])
    lab.clock.forward(3600)
    assert lab.clock.shift == 3600
