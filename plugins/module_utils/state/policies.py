# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a server as its policies want it? Each policy judges each thing it is about; nothing is changed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from ansible_collections.homelab.pve.plugins.module_utils.api import Client
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Options, Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import FindingsError, HomelabPveError
from ansible_collections.homelab.pve.plugins.module_utils.many import SharedReads
from ansible_collections.homelab.pve.plugins.module_utils.module import Question
from ansible_collections.homelab.pve.plugins.module_utils.parallel import together, tried
from ansible_collections.homelab.pve.plugins.module_utils.resources.guests import KINDS, Guest
from ansible_collections.homelab.pve.plugins.module_utils.state.policy import (
    EXEMPT,
    FAIL,
    STATUSES,
    Judged,
    Subject,
    meets,
    unknown,
)
from ansible_collections.homelab.pve.plugins.module_utils.state.policy_facts import Facts
from ansible_collections.homelab.pve.plugins.module_utils.state.policy_texts import Policy, load, texts

NEVER = "never"
FAILS_ON: Mapping[str, frozenset[str]] = {
    NEVER: frozenset(),
    "error": frozenset({"error"}),
    "warning": frozenset({"error", "warning"}),
}
"""By ``fail_on``: the severities at which the module fails."""

OPTIONS: Options = {
    "files": {"type": "list", "elements": "path", "default": []},
    "policies": {"type": "list", "elements": "dict"},
    "fail_on": {"type": "str", "choices": list(FAILS_ON), "default": NEVER},
    "max_parallel": {"type": "int", "default": 8},
}


@dataclass(frozen=True)
class Finding:
    """What a policy says of one thing."""

    policy: Policy
    subject: Subject
    judged: Judged

    def row(self) -> dict[str, Json]:
        """As the module returns it."""
        return {
            "policy": self.policy.name,
            "check": self.policy.check.name,
            "severity": self.policy.severity,
            "kind": self.subject.kind,
            "id": self.subject.id,
            "resource": self.subject.label,
            "node": str(self.subject.traits.get("node") or ""),
            "status": self.judged.status,
            "found": self.judged.found,
            "wanted": self.judged.wanted,
            "remedy": self.judged.remedy,
            "reason": self.policy.reason,
            "origin": self.policy.origin,
        }


def check(client: Client, params: Values) -> dict[str, Json]:
    """Answer of the module compliance. Raises ConfigError, and FindingsError where it is to fail."""
    policies = load(texts(params["files"], params.get("policies")))
    facts = Facts(SharedReads(client), time.time(), client.node_says)
    pairs = [(policy, subject) for policy in policies for subject in applying(policy, facts)]
    findings = together(lambda pair: finding(facts, *pair), pairs, params["max_parallel"])
    found = result(policies, findings)
    bad = [item for item in findings if item.judged.status == FAIL]
    if any(item.policy.severity in FAILS_ON[params["fail_on"]] for item in bad):
        raise FindingsError(told(bad), found)
    return found


def applying(policy: Policy, facts: Facts) -> list[Subject]:
    """The things a policy is about."""
    kinds = policy.check.kinds
    found = SUBJECTS[policy.check.about](facts)
    return [item for item in found if (not kinds or item.kind in kinds) and meets(policy.where, item.traits)]


def finding(facts: Facts, policy: Policy, subject: Subject) -> Finding:
    """What a policy says of one thing. Raises ConnectionError and AuthenticationError."""
    reason = next((why for pattern, why in policy.exempt.items() if fnmatchcase(subject.id, pattern)), None)
    if reason is not None:
        return Finding(policy, subject, Judged(EXEMPT, reason))
    seen = tried(lambda: policy.check.judge(facts, subject, policy.options))
    return Finding(policy, subject, unknown(str(seen)) if isinstance(seen, HomelabPveError) else seen)


def result(policies: Sequence[Policy], findings: Sequence[Finding]) -> dict[str, Json]:
    """The module's result."""
    by_status = Counter(item.judged.status for item in findings)
    failing = Counter(item.policy.severity for item in findings if item.judged.status == FAIL)
    return {
        "changed": False,
        "results": [item.row() for item in findings],
        "counts": {status: by_status[status] for status in STATUSES},
        "failing": dict(failing),
        "compliant": not failing["error"],
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "warnings": list(_idle(policies, findings)),
    }


def _idle(policies: Sequence[Policy], findings: Sequence[Finding]) -> Iterator[str]:
    """Policies and exemptions that do nothing: either is easily a mistake."""
    for policy in policies:
        mine = [item for item in findings if item.policy is policy]
        if not mine:
            yield f"{policy.origin}: policy {policy.name} is about nothing there is. Look at its where."
        for pattern in policy.exempt if mine else ():
            if not any(fnmatchcase(item.subject.id, pattern) for item in mine):
                yield f"{policy.origin}: policy {policy.name} exempts {pattern}, which it isn't about."


def told(bad: Sequence[Finding]) -> str:
    """What failed, one line each."""
    return "\n".join(("Not everything is as the policies want it:", *map(_line, bad)))


def _line(item: Finding) -> str:
    policy, said = item.policy, item.judged
    return f"- {policy.name} ({policy.severity}): {item.subject.label}: {said.found}. {said.remedy}"


# ---------------------------------------------------------------- what is judged


def guests(facts: Facts) -> list[Subject]:
    """Guests, templates too."""
    return [_guest(item) for item in facts.guests()]


def _guest(guest: Guest) -> Subject:
    names = ("vmid", "name", "node", "pool", "status", "template", "tags")
    traits = {name: getattr(guest, name) for name in names}
    kind = KINDS[guest.type]
    return Subject(kind, str(guest.vmid), guest.label, {**traits, "type": kind}, guest)


def nodes(facts: Facts) -> list[Subject]:
    """Nodes, those too that are offline."""
    return [
        Subject("node", str(row["node"]), f"node {row['node']}", {"node": row["node"]}, row) for row in facts.nodes()
    ]


def storages(facts: Facts) -> list[Subject]:
    """Storages that are enabled."""
    return [
        Subject("storage", name, f"storage {name}", {"storage": name, "type": row.get("type")}, row)
        for name, row in sorted(facts.storages().items())
        if not int(row.get("disable") or 0)
    ]


def users(facts: Facts) -> list[Subject]:
    """Users."""
    return [Subject("user", str(row["userid"]), f"user {row['userid']}", _login(row), row) for row in facts.users()]


def tokens(facts: Facts) -> list[Subject]:
    """Tokens of users."""
    return [
        Subject(
            "token",
            f"{row['userid']}!{token['tokenid']}",
            f"token {row['userid']}!{token['tokenid']}",
            {**_login(row), "tokenid": token["tokenid"]},
            token,
        )
        for row in facts.users()
        for token in row.get("tokens") or ()
    ]


def _login(row: Values) -> Values:
    return {"userid": row["userid"], "realm": str(row["userid"]).rpartition("@")[2]}


def cluster(_facts: Facts) -> list[Subject]:
    """The cluster, or the node that is none."""
    return [Subject("cluster", "cluster", "the cluster", {})]


SUBJECTS: Mapping[str, Callable[[Facts], list[Subject]]] = {
    "guests": guests,
    "nodes": nodes,
    "storages": storages,
    "users": users,
    "tokens": tokens,
    "cluster": cluster,
}

COMPLIANCE = Question(OPTIONS, check)
