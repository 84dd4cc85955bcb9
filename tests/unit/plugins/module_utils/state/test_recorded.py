"""What real nodes answered, as entries of a document: each is valid, and changes nothing on such a node."""

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
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Entry, Kind, Remark
from ansible_collections.homelab.pve.plugins.module_utils.state.secrets import Vault

GOLDEN = Path(__file__).parents[6] / "shared" / "golden"
SEEN: Mapping[str, tuple[str, ...]] = {
    "access": ("groups",),
    "cluster": ("options",),
    "cluster-3node": ("backups", "nodes", "storage"),
    "flows-03-storage-dir": ("storage",),
    "flows-05-network": ("network",),
    "flows-06-backup-ct": ("backups",),
    "network": ("network",),
    "nodes": ("nodes",),
    "pools": ("pools",),
    "storage": ("storage",),
}
"""Transcripts, and the kinds of which each tells something."""

AS_LISTED = ("/storage", "/cluster/backup", "/nodes/father/network", "/nodes/son/network")
"""Lists that say what their items say; the transcripts ask for both at different times."""

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not GOLDEN.is_dir(), reason="the recordings are not here"),
]


class UnrecordedError(PveError):
    """Nobody asked the recorded node that."""

    def __init__(self, path: str) -> None:
        """As a refusal."""
        super().__init__("GET", path, 500, "not recorded")


class Recorded:
    """Answers as the last of a transcript."""

    def __init__(self, transcript: str) -> None:
        """Read the transcript."""
        rows = json.loads((GOLDEN / f"{transcript}.json").read_text())
        good = [row for row in rows if row["method"] == "GET" and row["status_code"] == 200]
        self.answers = {self._key(row["path"], row["params"]): row["body"]["data"] for row in good}

    @staticmethod
    def _key(path: str, params: Mapping[str, Any] | None) -> str:
        return json.dumps([path, {name: str(value) for name, value in (params or {}).items()}], sort_keys=True)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """See engine.Reader."""
        if path == "/nodes":
            names = {name for key in self.answers for name in re.findall(r'"/nodes/(\w+)/', key)}
            return [{"node": name} for name in sorted(names)]
        if path == "/cluster/status":
            return []
        if path == "/pools" and params:
            return [{"poolid": params["poolid"], **self._said(f"/pools/{params['poolid']}")}]
        folder, _, name = path.rpartition("/")
        return self._row(folder, name) if folder in AS_LISTED else self._said(path)

    def _said(self, path: str) -> Any:
        for key in (self._key(path, {}), self._key(path, {"full": 1})):
            if key in self.answers:
                return self.answers[key]
        raise UnrecordedError(path)

    def _row(self, folder: str, name: str) -> Any:
        rows = self._said(folder)
        return next(row for row in rows if name in (row.get("iface"), row.get("storage"), row.get("id")))


def listed(kind: Kind, read: Recorded) -> Iterator[Entry]:
    """The entries as far as the recorded node was asked for them."""
    assert kind.lister
    try:
        for item in kind.lister(read):
            if not isinstance(item, Remark):
                yield item
    except UnrecordedError:
        return


@pytest.mark.parametrize(("transcript", "name"), [(name, kind) for name, kinds in SEEN.items() for kind in kinds])
def test_an_entry_is_valid_and_changes_nothing(transcript: str, name: str) -> None:
    kind, read = KINDS[name], Recorded(transcript)
    planned = [entry for entry in listed(kind, read) if is_planned(kind, entry, read)]
    assert planned != []


def is_planned(kind: Kind, entry: Entry, read: Recorded) -> bool:
    """Whether an entry could be planned with what is recorded; fails for one that is wrong, or changes something."""
    opened, _missing = Vault().opened(dict(entry))
    result = ArgumentSpecValidator(kind.resource.argument_spec()).validate(opened)
    assert result.error_messages == [], entry
    try:
        seen = look(kind.resource, result.validated_parameters, read)
    except UnrecordedError:
        return False
    assert [step.reason for step in seen.plan.steps] == [], entry
    return True
