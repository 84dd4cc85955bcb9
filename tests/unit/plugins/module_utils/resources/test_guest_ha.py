# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest as a resource of the HA manager: the steps, and what can't be meant."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import Bound
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_ha import bind, read_ha

from .reading import Table

PATH = "/cluster/ha/resources/vm%3A104"
HAVE = {"sid": "vm:104", "type": "vm", "state": "started", "comment": "c", "digest": "d"}


def wish(state: str = "present", **ha: Any) -> dict[str, Any]:
    return {"state": state, "ha": ha}


@pytest.mark.parametrize(
    ("wished", "have", "runs", "expected"),
    [
        ({"state": "present", "ha": None}, None, True, []),
        (wish(), None, True, [("POST", "/cluster/ha/resources", {"sid": "vm:104", "state": "started"})]),
        (wish(), None, False, [("POST", "/cluster/ha/resources", {"sid": "vm:104", "state": "stopped"})]),
        (
            wish(state="present", max_restart=3, failback=False),
            None,
            True,
            [("POST", "/cluster/ha/resources",
              {"sid": "vm:104", "state": "started", "max_restart": 3, "failback": 0})],
        ),
        (wish(), HAVE, True, []),
        (wish(comment="c", max_restart=1, failback=True), HAVE, True, []),
        (wish(comment="x"), HAVE, True, [("PUT", PATH, {"comment": "x", "digest": "d"})]),
        (wish(comment="", max_relocate=2), HAVE, True,
         [("PUT", PATH, {"max_relocate": 2, "delete": "comment", "digest": "d"})]),
        ({"state": "present", "ha": {"state": "ignored"}}, HAVE, True,
         [("PUT", PATH, {"state": "ignored", "digest": "d"})]),
        ({"state": "present", "ha": {"state": "absent"}}, HAVE, True, [("DELETE", PATH, {})]),
        ({"state": "present", "ha": {"state": "absent"}}, None, True, []),
    ],
    ids=str,
)  # fmt: skip
def test_steps(wished: dict[str, Any], have: Any, runs: bool, expected: list[Any]) -> None:
    made = bind(wished, have, "vm:104", "vm 104 (web)", runs=runs)
    assert [(step.verb, step.path, dict(step.params)) for step in made.steps] == expected


def test_a_new_guest_is_named_by_the_id_it_gets() -> None:
    (step,) = bind(wish(), None, Bound("vmid"), "vm {vmid}", runs=False).steps
    assert step.params["sid"] == Bound("vmid")


def test_the_diff_has_both_sides() -> None:
    made = bind(wish(comment="", max_restart=2), HAVE, "vm:104", "vm 104", runs=True)
    assert (made.before, made.after) == (
        {"ha": {"state": "started", "comment": "c"}},
        {"ha": {"state": "started", "max_restart": 2}},
    )


@pytest.mark.parametrize(
    ("state", "ha"),
    [
        ("started", "stopped"),
        ("restarted", "disabled"),
        ("reset", "stopped"),
        ("stopped", "started"),
        ("template", "started"),
    ],
)
def test_what_would_be_undone_is_refused(state: str, ha: str) -> None:
    with pytest.raises(ConfigError, match=f"the state {ha} contradicts the state {state} of the guest"):
        bind({"state": state, "ha": {"state": ha}}, HAVE, "vm:104", "vm 104", runs=True)


def test_reading() -> None:
    gone = PveError("GET", PATH, 500, "no such resource 'vm:104'")
    assert read_ha(Table({}), {"ha": None}, "vm:104") is None
    assert read_ha(Table({PATH: gone}), wish(), "vm:104") is None
    assert read_ha(Table({PATH: HAVE}), wish(), "vm:104") == HAVE
    with pytest.raises(PveError):
        read_ha(Table({}), wish(), "vm:104")
