"""Planning the rules of one firewall configuration. Pure."""

from __future__ import annotations

from ansible_collections.homelab.pve.plugins.module_utils.resources.firewall_rule import describe, plan

from .reading import Table

WISH = {"level": "group", "group": "web", "mode": "replace", "key": "content"}
PATH = "/cluster/firewall/groups/web"
RULE = {"type": "in", "action": "ACCEPT", "macro": "SSH", "enable": True}


def test_the_rules_of_a_security_group() -> None:
    wish = {**WISH, "rules": [RULE]}
    macros = {"/cluster/firewall/macros": [{"macro": "SSH"}]}
    made = plan(wish, describe(Table({PATH: [], **macros}), wish))
    assert [(step.verb, step.path) for step in made.steps] == [("POST", PATH)]
    assert (made.before, made.after) == ({"rules": []}, {"rules": [RULE]})
    assert plan(wish, describe(Table({PATH: [{**RULE, "enable": 1, "pos": 0}]}), wish)).reason == (
        "the firewall rules of group web are as wished"
    )
