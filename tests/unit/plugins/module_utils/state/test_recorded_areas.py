"""What real nodes listed of HA, firewall and SDN, as entries of a document: each is valid, and changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.homelab.pve.plugins.module_utils.apply import look
from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Remark

GOLDEN = Path(__file__).parents[6] / "shared" / "golden"
LISTS: Mapping[str, str] = {
    "ha.resources": "/cluster/ha/resources",
    "ha.rules": "/cluster/ha/rules",
    "firewall.aliases": "/cluster/firewall/aliases",
    "firewall.ipsets": "/cluster/firewall/ipset",
    "firewall.groups": "/cluster/firewall/groups",
    "firewall.rules": "/cluster/firewall/rules",
    "firewall.options": "/cluster/firewall/options",
    "sdn.zones": "/cluster/sdn/zones",
    "sdn.vnets": "/cluster/sdn/vnets",
}
"""Kind -> the list that its entries come from."""

BY_PATH = {path: kind for kind, path in LISTS.items()}

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not GOLDEN.is_dir(), reason="the recordings are not here"),
]


class Moment:
    """A node at the time of one recorded answer: that list, its items as it says them, and nothing else."""

    def __init__(self, path: str, answer: Any) -> None:
        """Remember the answer."""
        self.path, self.answer = path, answer

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """See engine.Reader."""
        if path == self.path:
            return self.answer
        if (found := re.fullmatch(rf"{self.path}/([^/]+)", path)) and isinstance(self.answer, list):
            return self._item(found[1].replace("%3A", ":"))
        if path in ("/nodes", "/cluster/resources", "/cluster/sdn/vnets"):
            return []
        raise PveError("GET", path, 500, "not recorded")

    def _item(self, name: str) -> Any:
        if self.path.startswith("/cluster/firewall/"):
            return []  # members, and rules of a group
        return next(row for row in self.answer if name in map(str, row.values()))


def moments() -> Iterator[Any]:
    """Every answer to one of the lists that has something in it."""
    for file in sorted(GOLDEN.glob("*.json")) if GOLDEN.is_dir() else ():
        for row in json.loads(file.read_text(encoding="utf-8")):
            kind = BY_PATH.get(row.get("path", ""))
            plain = row.get("method") == "GET" and row.get("status_code") == 200 and not row["params"]
            answer = row["body"]["data"] if kind and plain else None
            if answer:
                yield pytest.param(kind, answer, id=f"{file.stem}-{row['seq']}-{kind}")


@pytest.mark.parametrize(("name", "answer"), list(moments()))
def test_a_list_as_entries(name: str, answer: Any) -> None:
    kind, read = KINDS[name], Moment(LISTS[name], answer)
    assert kind.lister
    entries = [item for item in kind.lister(read) if not isinstance(item, Remark)]
    assert entries or name == "firewall.options"
    for entry in entries:
        result = ArgumentSpecValidator(kind.resource.argument_spec()).validate(dict(entry))
        assert result.error_messages == [], entry
        planned = look(kind.resource, result.validated_parameters, read).plan
        assert [step.reason for step in planned.steps] == [], entry


def test_something_of_most_kinds_is_recorded() -> None:
    assert {param.values[0] for param in moments()} >= {"ha.resources", "firewall.rules", "sdn.zones"}
