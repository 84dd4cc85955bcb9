# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A section of a configuration: made by POST to a collection, read, changed and removed at its own path.

Most of a Proxmox VE server is made of these (storages, users, pools, jobs, ...): a Section describes one kind as data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import (
    Change,
    Field,
    Options,
    Plan,
    Reader,
    Resource,
    Step,
    Values,
    decoded,
    diff,
    encoded,
    parsed,
    refuse_fixed,
    url,
    views,
)
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError

STATE: Options = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}

KEY: Values = {"type": "str", "required": True, "no_log": False}
"""Argument spec of an option that names the section; a name is no secret, even a token's."""


@dataclass(frozen=True)
class Section:
    """One kind of section.

    ``item`` and ``collection`` are paths with ``{}`` for the ``keys`` (option names); a collection equal to the item is
    a section that is created at its own path. ``missing`` is PVE's wording for "there is none", of the answer or
    of a parameter: it has no status of its own for that. ``key_params`` are the keys a creation sends as
    parameters.
    """

    kind: str
    keys: tuple[str, ...]
    collection: str
    item: str
    missing: str
    fields: tuple[Field, ...]
    key_params: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    """Options a creation needs."""
    options: Options = field(default_factory=dict)
    has_digest: bool = True
    has_delete: bool = True
    """Whether a change takes the parameter ``delete``; where it doesn't, an empty value is what removes one."""
    deletes_list: bool = False
    """Whether ``delete`` is an array and not text."""
    always: tuple[str, ...] = ()
    """PVE's names of what each change has to say, even where it stays as it is."""
    passed: Mapping[str, str] = field(default_factory=dict)
    """Options that go with each write where they are set, and PVE's names of them."""
    advice: Values = field(default_factory=dict)
    """PVE's words in a failure (regular expression) -> what to do about it."""
    separator: str = "!"
    """Between the keys where a section is named to people."""
    result: Callable[[Values], dict[str, Json]] | None = None

    def resource(self) -> Resource:
        """As a resource of the engine."""
        return Resource(
            kind=self.kind,
            options={**dict.fromkeys(self.keys, KEY), **STATE, **self.options},
            fields=self.fields,
            describe=self.describe,
            plan=self.plan,
            result=self.shown,
            writes=(f"POST {self.collection}", f"PUT {self.item}", f"DELETE {self.item}"),
        )

    def describe(self, read: Reader, wish: Values) -> Json | None:
        """PVE's answer, or None when it says that there is none."""
        try:
            return read.get(self._path(self.item, wish))
        except PveError as error:
            if re.search(self.missing, error.said):
                return None
            raise

    def plan(self, wish: Values, have: Json | None) -> Plan:
        """Create, change, remove, or nothing."""
        made = self._planned(wish, have, self.separator.join(str(wish[key]) for key in self.keys))
        passed = {key: wish[name] for name, key in self.passed.items() if wish.get(name) is not None}
        steps = (replace(step, params={**step.params, **passed}, advice=self.advice) for step in made.steps)
        return replace(made, steps=tuple(steps))

    def _planned(self, wish: Values, have: Json | None, name: str) -> Plan:
        if wish["state"] == "absent":
            return self._removal(wish, have, name)
        wished = parsed(self.fields, wish)
        return self._creation(wish, wished, name) if have is None else self._change(wish, wished, have, name)

    def shown(self, have: Json | None) -> dict[str, Json]:
        """The module's return value: the section by its kind's name, values in canonical form."""
        if have is None:
            return {}
        values = decoded([item for item in self.fields if not item.secret], have)
        return {self.kind: {**values, **(self.result(have) if self.result else {})}}

    def _removal(self, wish: Values, have: Json | None, name: str) -> Plan:
        if have is None:
            return Plan(reason=f"{self.kind} {name} is absent already")
        values = {item.name: have[item.key] for item in self.fields if item.key in have and not item.secret}
        step = Step("DELETE", self._path(self.item, wish), {}, f"remove {self.kind} {name}")
        return Plan((step,), before=values)

    def _creation(self, wish: Values, wished: Values, name: str) -> Plan:
        for option in self.required:
            if option not in wished:
                raise ConfigError(f"Option '{option}' is needed: {self.kind} {name} does not exist yet.")
        changes = diff([item.explicit() for item in self.fields], wished, {}, renew_secrets=True)
        params = {**{param: wish[key] for key, param in self.key_params.items()}, **encoded(changes)}
        step = Step("POST", self._path(self.collection, wish), params, f"create {self.kind} {name}")
        before, after = views(changes)
        return Plan((step,), changes, before=before, after={**dict(self._keys(wish)), **after})

    def _change(self, wish: Values, wished: Values, have: Values, name: str) -> Plan:
        renew = wish.get("update_password") == "always"
        # PVE keeps the section's secrets to itself, so whether they differ can't be seen.
        fields = [item for item in self.fields if renew or not item.kept_back]
        changes = diff(fields, wished, decoded(self.fields, have), renew_secrets=renew)
        refuse_fixed(self.kind, name, changes)
        if not changes:
            return Plan(reason=f"{self.kind} {name} is as wished")
        params = {
            **{key: have[key] for key in self.always if key in have},
            **self._changed(changes),
            **({"digest": have["digest"]} if self.has_digest and have.get("digest") else {}),
        }
        before, after = views(changes)
        step = Step("PUT", self._path(self.item, wish), params, _setting(self.kind, name, changes))
        return Plan((step,), changes, before=before, after=after)

    def _changed(self, changes: tuple[Change, ...]) -> dict[str, Json]:
        if self.deletes_list:
            params = encoded(changes)
            return {**params, **({"delete": params["delete"].split(",")} if "delete" in params else {})}
        if self.has_delete:
            return encoded(changes)
        emptied = {change.field.key: "" for change in changes if change.after is None}
        return {**encoded([change for change in changes if change.after is not None]), **emptied}

    def _path(self, template: str, wish: Values) -> str:
        return url(template, *(wish[key] for key in self.keys))

    def _keys(self, wish: Values) -> list[tuple[str, Json]]:
        return [(key, wish[key]) for key in self.keys]


def _setting(kind: str, name: str, changes: tuple[Change, ...]) -> str:
    return f"set {', '.join(sorted(change.key for change in changes))} of {kind} {name}"
