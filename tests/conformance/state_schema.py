"""docs/state.schema.json: what a state document may say, for editors. Made of the kinds by `python -m` this file.

What is written there is what the modules' argument specs, the codecs of their fields and the short words of the dialect
take; the descriptions are those of the modules' documentation. It completes and checks while one writes; what it can't
say (names that lead nowhere, options that exclude each other) is found when the document is read.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Codec, Properties
from ansible_collections.homelab.pve.plugins.module_utils.engine import Resource
from ansible_collections.homelab.pve.plugins.module_utils.resources.container import LXC
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_kind import Kind as GuestKind
from ansible_collections.homelab.pve.plugins.module_utils.resources.vm import QEMU
from ansible_collections.homelab.pve.plugins.module_utils.state import dialect
from ansible_collections.homelab.pve.plugins.module_utils.state.catalog import KINDS
from ansible_collections.homelab.pve.plugins.module_utils.state.kinds import Kind
from ansible_collections.homelab.pve.plugins.module_utils.state.placing import VERSION

from tests.module.inventory import names, source, specification

Schema: TypeAlias = dict[str, Any]

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "state.schema.json"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
SECRET = r"\$\{secret:[^}]+\}"
WORDS_OF = {"cluster": "cluster", "tokens": "api_token"}
"""Kinds whose resource is no module's own, and the module whose words they have."""

ABOUT = {
    "cluster.enabled": "Whether there is a cluster.",
    "cluster.name": "The cluster's name.",
    "cluster.nodes": "Its nodes: the first makes it, the others join.",
    "backups.time": "Time of day, as 02:00, of a schedule that is daily, weekly or monthly.",
    "backups.vms": "VMs that are backed up, by vmid.",
    "backups.containers": "Containers that are backed up, by vmid.",
    "network.address": "The interface's IPv4 address, with netmask beside it.",
    "network.netmask": "Netmask, or length of the prefix, of address.",
    "network.address6": "The interface's IPv6 address, with netmask6 beside it.",
    "network.netmask6": "Length of the prefix of address6.",
    "vms.restore": "The backup that the VM is made from where it isn't there.",
    "containers.restore": "The backup that the container is made from where it isn't there.",
}
"""Options that no module documents, as only a document has them."""

TYPES: Mapping[str, Schema] = {
    "str": {"type": ["string", "number", "boolean", "null"]},
    "path": {"type": ["string", "null"]},
    "int": {"type": ["integer", "string", "null"], "pattern": rf"^[-+]?[0-9]+$|{SECRET}"},
    "float": {"type": ["number", "string", "null"], "pattern": rf"^[-+0-9.eE]+$|{SECRET}"},
    "bool": {"enum": [True, False, "yes", "no", "on", "off", "true", "false", 0, 1, None]},
    "dict": {"type": ["object", "null"]},
    "raw": {},
}
"""Ansible's types in the words of JSON Schema: as generous as Ansible is."""

PROPERTIES: Mapping[str, Schema] = {
    "bool": {"enum": [True, False, 0, 1, "0", "1", "yes", "no", "on", "off", "true", "false", "", None]},
    "int": TYPES["int"],
    "float": TYPES["float"],
    "set": {"type": ["array", "string", "number", "null"]},
    "list": {"type": ["array", "string", "number", "null"]},
}
"""Kinds of the values inside property strings."""

SPELLED = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
"""What YAML makes of words that are choices."""

MARKUP = re.compile(r"\b[A-Z]+\(([^)]*)\)")


def plain(description: str | Iterable[str]) -> str:
    """A description without Ansible's markup."""
    text = description if isinstance(description, str) else " ".join(description)
    return MARKUP.sub(lambda found: found[1].split(",")[0].split("#")[-1], text)


@cache
def documented(module: str) -> Mapping[str, Any]:
    """The options in a module's documentation, with those of its fragments."""
    found = yaml.safe_load(str(source(module).DOCUMENTATION))
    extended = found.get("extends_documentation_fragment", [])
    names = [extended] if isinstance(extended, str) else extended
    return {name: option for part in (*map(fragment, names), found) for name, option in part.get("options", {}).items()}


def fragment(name: str) -> Mapping[str, Any]:
    """A fragment of documentation, ``homelab.pve.guest`` or a part of one, ``homelab.pve.guest.vm``."""
    _namespace, _collection, file, *part = name.split(".")
    fragments = import_module(f"ansible_collections.homelab.pve.plugins.doc_fragments.{file}").ModuleDocFragment
    found: Mapping[str, Any] = yaml.safe_load(getattr(fragments, part[0].upper() if part else "DOCUMENTATION"))
    return found


@cache
def modules() -> Mapping[int, str]:
    """The modules that declare a resource, by its fields or its options."""
    found: dict[int, str] = {}
    for name in names():
        specified = specification(name)
        if isinstance(specified, Resource):
            found.setdefault(id(specified.fields or specified.options), name)
    return found


def module_of(kind: Kind) -> str:
    """The module that declares things of a kind."""
    resource = kind.resource
    return WORDS_OF.get(kind.name) or modules().get(id(resource.fields or resource.options), "")


def properties_of(codec: Codec) -> Properties | None:
    """The property string behind a codec, if it is one."""
    owner = getattr(codec.same, "__self__", None)
    return owner if isinstance(owner, Properties) else None


def property_string(properties: Properties) -> Schema:
    """A property string: a mapping, or the text that Proxmox VE has."""
    known = {name: _property(properties, name) for name in properties.kinds}
    spelled = {name.replace("-", "_"): schema for name, schema in known.items()}
    aliases = {alias: known[name] for alias, name in properties.aliases.items() if name in known}
    inner = {"type": "object", "properties": {**spelled, **known, **aliases}, "additionalProperties": False}
    return {"anyOf": [inner, {"type": ["string", "number", "boolean", "null"]}]}


def _property(properties: Properties, name: str) -> Schema:
    if choices := properties.choices.get(name):
        return {"enum": [*choices, "", None]}
    return dict(PROPERTIES.get(properties.kinds[name], TYPES["str"]))


def option(spec: Mapping[str, Any], described: Mapping[str, Any] | None = None) -> Schema:
    """One option of a module."""
    text = {"description": plain(described["description"])} if described and "description" in described else {}
    return {**text, **_value(spec, (described or {}).get("suboptions") or {})}


def _value(spec: Mapping[str, Any], described: Mapping[str, Any]) -> Schema:
    wanted = spec.get("type") or "str"
    if wanted == "list":
        inner = _value({**spec, "type": spec.get("elements") or "raw"}, described)
        return {"anyOf": [{"type": "array", "items": inner}, {"type": ["string", "number", "null"]}]}
    if choices := spec.get("choices"):
        spelled = sorted({SPELLED[choice] for choice in choices if choice in SPELLED})
        return {"enum": [*choices, *spelled, None]}
    if wanted == "dict" and spec.get("options"):
        inner = {name: option(below, described.get(name)) for name, below in spec["options"].items()}
        return {"type": ["object", "null"], "properties": inner, "additionalProperties": False}
    return dict(TYPES[wanted])


def numbered(pattern: str, value: Schema) -> Schema:
    """A dictionary of numbered things."""
    return {"type": ["object", "null"], "patternProperties": {pattern: value}, "additionalProperties": False}


def of_guest(kind: GuestKind) -> dict[str, Schema]:
    """The options of a guest that are dictionaries of numbered things, and its volumes."""
    found = {
        family.option: numbered(rf"^{family.stem}[0-9]+$", codec_value(family.codec)) for family in kind.config.families
    }
    volume = codec_value(kind.volumes.codec)
    if kind is QEMU:
        return {**found, "disks": numbered(r"^(ide|sata|scsi|virtio|efidisk|tpmstate|unused)[0-9]+$", volume)}
    return {**found, "rootfs": volume, "mp": numbered("^(mp|unused)[0-9]+$", volume)}


def codec_value(codec: Codec) -> Schema:
    """What a codec takes, as far as it tells."""
    found = properties_of(codec)
    return property_string(found) if found else {}


GUESTS = {"vms": QEMU, "containers": LXC}


def options(kind: Kind) -> dict[str, Schema]:
    """The options of a kind's entries, with the words of the dialect."""
    module = module_of(kind)
    described = documented(module) if module else {}
    found = {name: option(spec, described.get(name)) for name, spec in kind.resource.argument_spec().items()}
    for row in kind.resource.fields:
        if properties := properties_of(row.codec):
            about = {key: found[row.name][key] for key in ("description",) if key in found[row.name]}
            found[row.name] = {**about, **property_string(properties)}
    deeper = of_guest(GUESTS[kind.name]) if kind.name in GUESTS else {}
    found |= {name: {**_described(found.get(name, {})), **schema} for name, schema in deeper.items()}
    spoken = with_words(dialect.of(kind), found)
    own = {name: {"description": ABOUT[place]} for name in spoken if (place := f"{kind.name}.{name}") in ABOUT}
    return {name: {**schema, **own.get(name, {})} for name, schema in spoken.items()}


def _described(schema: Schema) -> Schema:
    return {"description": schema["description"]} if "description" in schema else {}


def with_words(words: dialect.Dialect, found: dict[str, Schema]) -> dict[str, Schema]:
    """The options and the words that may stand for them; a word that is an option's own name widens it."""
    for word in words.words:
        meant = found.get(word.option, {})
        said = _word(word, meant)
        found[word.said] = (
            _widened(found[word.said], said) if word.said in found else {"description": word.about, **said}
        )
    return found | {name: option(spec) for name, spec in (words.takes or {}).items() if name not in found}


def _word(word: dialect.Word, meant: Schema) -> Schema:
    if word.member:
        one = next(iter(meant.get("patternProperties", {"": {}}).values()))
        return {"anyOf": [one, {"type": "array", "items": one}]}
    return (
        option(word.spec) if word.spec is not dialect.TEXT else {k: v for k, v in meant.items() if k != "description"}
    )


def _widened(schema: Schema, said: Schema) -> Schema:
    if "enum" in schema and "enum" in said:
        return {**schema, "enum": list(dict.fromkeys([*schema["enum"], *said["enum"]]))}
    merged = {**said.get("properties", {}), **schema.get("properties", {})}
    return {**schema, **({"properties": merged} if merged else {})}


def needed(kind: Kind) -> list[Schema]:
    """What an entry can't do without: each in any of the words there are for it."""
    spec = kind.resource.argument_spec()
    given = {"node"} if kind.per_node else set()
    single = [[name] for name, row in spec.items() if row.get("required") and name not in given]
    groups = [*single, *kind.resource.rules.get("required_one_of", ())]
    said = {word.option: word.said for word in dialect.of(kind).words}
    # A backup job without an id is given one.
    unnamed = {"id": "schedule"} if kind.name == "backups" else {}
    words = [[*group, *(each[name] for name in group for each in (said, unnamed) if name in each)] for group in groups]
    return [{"anyOf": [{"required": [name]} for name in dict.fromkeys(group)]} for group in words]


def entry(kind: Kind) -> Schema:
    """An entry of a kind."""
    module = module_of(kind)
    about = f"The options of the module {module}." if module else "Options."
    wanted = needed(kind)
    return {
        "description": about,
        "type": "object",
        "properties": options(kind),
        "additionalProperties": False,
        **({"allOf": wanted} if wanted else {}),
    }


def document(kinds: Mapping[str, Kind]) -> Schema:
    """The kinds as they stand in a document."""
    found: dict[str, Schema] = {}
    for name, kind in kinds.items():
        top, _, part = name.partition(".")
        reference = {"$ref": f"#/$defs/{name}"}
        value = reference if kind.single else {"type": ["array", "null"], "items": reference}
        if part:
            area = found.setdefault(top, {"type": ["object", "null"], "properties": {}, "additionalProperties": False})
            area["properties"][part] = value
        else:
            found[top] = value
    return {
        "type": "object",
        "properties": {
            "version": {"description": "Version of the format.", "enum": [VERSION, str(VERSION)]},
            "node": {"description": "The node that is meant where an entry names none.", "type": ["string", "null"]},
            "include": {
                "description": "Documents that this one stands above, as paths from its own folder.",
                "anyOf": [{"type": ["string", "null"]}, {"type": "array", "items": {"type": "string"}}],
            },
            "$schema": {"type": "string"},
            **found,
        },
        # A place for anchors.
        "patternProperties": {r"^(x-|\.)": {}},
        "additionalProperties": False,
    }


def schema(kinds: Mapping[str, Kind]) -> Schema:
    """The whole schema: a document by itself, or in its envelope."""
    envelope = {
        "type": "object",
        "properties": {
            "version": {"enum": [VERSION, str(VERSION)]},
            "plugins": {
                "type": "object",
                "properties": {"proxmox": {"$ref": "#/$defs/document"}},
                "required": ["proxmox"],
                "additionalProperties": False,
            },
            "include": {"$ref": "#/$defs/document/properties/include"},
            "$schema": {"type": "string"},
        },
        "patternProperties": {r"^(x-|\.)": {}},
        "additionalProperties": False,
    }
    return {
        "$schema": DRAFT,
        "title": "A Proxmox VE server as one document (homelab.pve)",
        "$comment": "Made by python -m tests.conformance.state_schema.",
        "type": "object",
        "if": {"required": ["plugins"]},
        "then": envelope,
        "else": {"$ref": "#/$defs/document"},
        "$defs": {"document": document(kinds), **{name: entry(kind) for name, kind in kinds.items()}},
    }


def text() -> str:
    """The file's content."""
    return json.dumps(schema(KINDS), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{DOCUMENT}\n")
