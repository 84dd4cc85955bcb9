# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/cluster/ha/rules``: which nodes a resource runs on, and which resources run together (../golden ha, ha-3node)."""

from __future__ import annotations

from lab.api.fake import Call, PveError, Route, Values, check_digest, die, param_error, split_list
from lab.api.ha_groups import HaGroupsArea
from lab.api.ha_placement import NEGATIVE, NODE, POSITIVE, RESOURCE, Affinity, affinity, contradictions, sids
from lab.api.ha_resources import config_digest

RULES = "/cluster/ha/rules"
RULE = RULES + "/{rule}"
RULE_SETTINGS = ("type", "resources", "nodes", "strict", "affinity", "comment", "disable")
FLAGS = ("strict", "disable")
LISTS = ("resources", "nodes")
# The parameters of each type, and those that one has to have.
OF_TYPE = {NODE: ("resources", "nodes", "strict"), RESOURCE: ("resources", "affinity")}
TYPED = ("resources", "nodes", "strict", "affinity")
NEEDED = frozenset({"resources", "nodes", "affinity"})
MISSING = "property is missing and it is not optional"
UNDEFINED = "property is not defined in schema and the schema does not allow additional properties"
ENUMERATION = "value '{}' does not have a value in the enumeration '{}'"
CREATE, UPDATE = "create ha rule failed: ", "update HA rules failed: "


class HaRulesArea(HaGroupsArea):
    """Mixin: the rules."""

    def routes(self) -> list[Route]:
        """``/cluster/ha/rules``."""
        return [
            ("GET", RULES, self._list_rules),
            ("POST", RULES, self._add_rule),
            ("GET", RULE, self._show_rule),
            ("PUT", RULE, self._change_rule),
            ("DELETE", RULE, self._remove_rule),
        ]

    def _known_to_ha(self) -> list[str]:
        """The nodes HA counts with."""
        return list(self.nodes)

    def _affinity(self) -> Affinity:
        return affinity({**self.group_rules(), **self.ha_rules}, self._known_to_ha())

    def _rule_view(self, name: str, wrong: dict[str, list[str]]) -> Values:
        order = list(self.ha_rules).index(name) + 1
        errors = {"errors": {"resources": wrong[name]}} if name in wrong else {}
        return {"rule": name, "order": order, **self.ha_rules[name], "digest": config_digest(self.ha_rules)} | errors

    async def _list_rules(self, call: Call) -> list[Values]:
        wrong, about = contradictions(self.ha_rules, self._known_to_ha()), call.get("resource")
        shown = (self._rule_view(name, wrong) for name, rule in self.ha_rules.items() if about in (None, *sids(rule)))
        return [rule for rule in shown if call.get("type") in (None, rule["type"])]

    async def _show_rule(self, call: Call) -> Values:
        if call["rule"] not in self.ha_rules:
            raise die(f"no such ha rule '{call['rule']}'")
        return self._rule_view(call["rule"], contradictions(self.ha_rules, self._known_to_ha()))

    async def _add_rule(self, call: Call) -> None:
        check_type(call, needed=True)
        name = call["rule"]
        if name in self.ha_rules:
            raise die(f"{CREATE}HA rule '{name}' already defined")
        self._keep_rule(name, rule_settings(call), call, CREATE)

    async def _change_rule(self, call: Call) -> None:
        check_type(call, needed=False)
        name = call["rule"]
        try:
            check_digest(config_digest(self.ha_rules), call.get("digest"))
        except PveError as error:
            raise die(f"{UPDATE}{error.message}") from error
        if name not in self.ha_rules:
            raise die(f"{UPDATE}HA rule '{name}' does not exist")
        deleted = split_list(call.get("delete"))
        kept = {key: value for key, value in self.ha_rules[name].items() if key not in deleted}
        self._keep_rule(name, kept | rule_settings(call), call, UPDATE)

    def _keep_rule(self, name: str, rule: Values, call: Call, failed: str) -> None:
        """Write a rule down, unless it names what is not there or contradicts another."""
        self._check_names(call, failed)
        rule = {key: value for key, value in rule.items() if key != "disable" or value}
        wrong = contradictions({**self.ha_rules, name: rule}, self._known_to_ha()).get(name)
        if wrong:
            # A refusal of a parameter inside of another one's: a 500 that begins like a 400.
            said = f"400 Rule '{name}' is invalid.\nresources: {', '.join(wrong)}"
            raise die(f"{failed}{said}")
        self.ha_rules[name] = rule
        self._ask_manager()

    def _check_names(self, call: Call, failed: str) -> None:
        foreign = sorted(sid for sid in split_list(call.get("resources")) if sid not in self.ha_resources)
        if foreign:
            raise die(f"{failed}cannot use unmanaged resource(s) {', '.join(foreign)}.")
        named = sorted(node.partition(":")[0] for node in split_list(call.get("nodes")))
        unknown = [node for node in named if node not in self.nodes]
        if unknown:
            raise die(f"{failed}cannot use non-existent node(s) {', '.join(unknown)}.")

    async def _remove_rule(self, call: Call) -> None:
        """Removing a rule that is not there succeeds (../golden ha)."""
        self.ha_rules.pop(call["rule"], None)
        self._ask_manager()


def type_errors(values: Values, *, needed: bool) -> dict[str, str]:
    """What the schema has against a rule's parameters by its type; ``needed``: those a new rule has to have."""
    kind = str(values.get("type", ""))
    if kind not in OF_TYPE:
        wrong = ENUMERATION.format(kind, ", ".join(OF_TYPE)) if kind else MISSING
        return {"type": wrong} | {name: UNDEFINED for name in TYPED if name in values}
    wanted, foreign = OF_TYPE[kind], [name for name in TYPED if name not in OF_TYPE[kind]]
    missing = [name for name in wanted if name in NEEDED and name not in values] if needed else []
    errors = {f"oneOf[{kind}].{name}": MISSING for name in missing}
    errors |= {name: UNDEFINED for name in foreign if name in values}
    affinity_of = values.get("affinity", POSITIVE)
    if "affinity" in wanted and affinity_of not in (POSITIVE, NEGATIVE):
        choices = f"{POSITIVE}, {NEGATIVE}"
        errors[f"oneOf[{kind}].affinity"] = ENUMERATION.format(affinity_of, choices)
    return errors


def check_type(call: Call, *, needed: bool) -> None:
    """Raise PVE's refusal of parameters that a rule of this type does not have, or lacks."""
    errors = type_errors(call.values, needed=needed)
    if errors:
        raise param_error(**errors)


def rule_settings(call: Call) -> Values:
    """What a request says of a rule; the schema has some below ``oneOf``, so that they come as they were sent."""
    found = {name: call[name] for name in RULE_SETTINGS if name in call.values}
    flags = {name: int(found[name]) for name in FLAGS if name in found}
    return found | flags | {name: ",".join(sorted(split_list(found[name]))) for name in LISTS if name in found}
