"""A reader that answers from a table, for describe functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.homelab.pve.plugins.module_utils.errors import PveError


class Table:
    """Answers by path; anything else doesn't exist. ``asked`` lists the paths in order."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers, self.asked = dict(answers), list[str]()

    def get(self, path: str, params: Any = None) -> Any:
        """The answer for the path; one that is an error is raised."""
        self.asked.append(path)
        answer = self.answers.get(path, PveError("GET", path, 500, f"nothing at {path}"))
        if isinstance(answer, Exception):
            raise answer
        return answer


def row(vmid: int, name: str | None = "", **more: Any) -> dict[str, Any]:
    """A row of /cluster/resources: a stopped VM on father unless told otherwise."""
    known = {"vmid": vmid, "node": "father", "type": "qemu", "status": "stopped", "template": 0}
    return {**known, **({"name": name} if name is not None else {}), **more}
