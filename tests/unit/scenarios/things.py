"""Scenarios of made-up verbs for the tests."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.actions import AnsiblePlaybookAction, Ref
from scenarios.scenario import PREFLIGHT, Phase, Scenario
from scenarios.verb import Input, Output, Verb

MAKE = Verb(
    "make",
    "Make it",
    inputs=(Input("size", "int", "size"), Input("label", "str", "label", default="x")),
    outputs=(Output("id", "int", "number"),),
    builds=True,
)
USE = Verb("use", "Use it", inputs=(Input("id", "int", "number", required=True), Input("mac", "str", "address")))
REMOVE = Verb("remove", "Remove it", inputs=(Input("id", "int", "number"),), destructive=True)
CHECK = Verb("check", "Check it")


def phase(name: str, verb: Verb, inputs: Mapping[str, object] | None = None, **more: object) -> Phase:
    action = AnsiblePlaybookAction(name, verb, inputs or {}, **more)  # type: ignore[arg-type]
    return Phase(name, action, verb.help)


MAKING = phase("make", MAKE, {"size": 3}, outputs={"id": "thing_id"}, remembers={"size": "thing_size"})
USING = phase("use", USE, {"id": Ref("thing_id"), "mac": Ref("thing_mac", optional=True)})
LOOKING = phase("look", CHECK)
CLEANING = phase("clean", CHECK)
REMOVING = phase("remove", REMOVE, {"id": Ref("thing_id")}, ends_estate=True)

ROUNDTRIP = Scenario(
    name="thing-roundtrip",
    description="Make, use, remove",
    estate="thing",
    phases=(MAKING, USING, LOOKING, CLEANING, REMOVING),
    preflight=phase(PREFLIGHT, CHECK),
    always=frozenset({"look", "clean", "remove"}),
    tolerated=frozenset({"clean"}),
    removal="thing-destructor",
)
