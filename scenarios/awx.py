"""``./run.sh awx``: the playbooks as job templates of AWX, with surveys made of the table of verbs."""

from __future__ import annotations

import click
import yaml

from scenarios.errors import unknown
from scenarios.values import Json
from scenarios.verb import Input, Verb
from scenarios.verbs import VERBS
from scenarios.yaml_text import Indented

QUESTIONS = {"int": "integer", "float": "float", "bool": "multiplechoice", "dict": "textarea"}
"""Kinds of inputs that are asked for by something else than a line of text."""

LISTS = ("list", "paths", "range")
"""Kinds whose answer is a text that Ansible's modules split at commas."""

YES_OR_NO = ["true", "false"]

# What depends on an AWX stands in variables: `-e awx_project=... -e '{"awx_credentials": [...]}'`.
VARIABLES: dict[str, Json] = {
    "awx_organization": "Default",
    "awx_project": "homelab.pve",
    "awx_inventory": "homelab.pve",
    "awx_credentials": [],
}
TARGET = Input("target", "str", "host or group of the inventory", required=True)
HEAD = """\
---
# Job templates of AWX, made by: ./run.sh awx {names}
# Needs the collection awx.awx, and the environment CONTROLLER_HOST and CONTROLLER_OAUTH_TOKEN.
"""


def question(asked: Input) -> dict[str, Json]:
    """An input as a question of a survey. An answer that is left out is an input that is not given."""
    commas = "; commas between" if asked.kind in LISTS else ""
    choices: list[Json] = [*(YES_OR_NO if asked.kind == "bool" else asked.choices)]
    return {
        "question_name": asked.name,
        "question_description": f"{asked.help}{commas}",
        "variable": asked.name,
        "type": "multiplechoice" if choices else QUESTIONS.get(asked.kind, "text"),
        "required": asked.required,
        "choices": choices,
        "default": _answer(asked),
    }


def _answer(asked: Input) -> Json:
    """The default as the form shows it: text, but for numbers."""
    if asked.default in (None, []):
        return ""
    if isinstance(asked.default, bool):
        return str(asked.default).lower()
    if isinstance(asked.default, list):
        return ",".join(map(str, asked.default))
    return asked.default


def job_template(verb: Verb) -> dict[str, Json]:
    """The task that declares a verb's job template."""
    asked = [TARGET, *(each for each in verb.inputs if not each.hidden)]
    return {
        "name": f"Offer {verb.name}",
        "awx.awx.job_template": {
            "name": verb.name,
            "description": verb.help,
            "organization": "{{ awx_organization }}",
            "project": "{{ awx_project }}",
            "inventory": "{{ awx_inventory }}",
            "credentials": "{{ awx_credentials }}",
            "playbook": verb.playbook,
            # Inputs that no form can ask for, such as a document in itself, are given as variables.
            "ask_variables_on_launch": True,
            "survey_enabled": True,
            "survey_spec": {"name": "", "description": "", "spec": [question(each) for each in asked]},
        },
    }


def playbook(names: tuple[str, ...]) -> str:
    """The playbook that declares the job templates of some verbs. Raises UsageError for one that is not known."""
    known = {verb.name: verb for verb in VERBS}
    for name in names:
        if name not in known:
            raise unknown("playbook", name, sorted(known))
    play: Json = {
        "name": "Offer playbooks of homelab.pve in AWX",
        "hosts": "localhost",
        "gather_facts": False,
        "vars": VARIABLES,
        "tasks": [job_template(known[name]) for name in names],
    }
    body: str = yaml.dump([play], sort_keys=False, width=110, default_flow_style=False, Dumper=Indented)
    return HEAD.format(names=" ".join(names)) + body


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="PLAYBOOK...")
def awx(names: tuple[str, ...]) -> None:
    """Print a playbook that offers playbooks as job templates in AWX, with a survey for each.

    ./run.sh awx state-plan state-apply > awx.yml
    """
    click.echo(playbook(names), nl=False)
