"""What a verb is made of: a playbook somebody may ask for by name, with its declared inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.errors import unknown
from scenarios.values import Json


@dataclass(frozen=True)
class Input:
    """One declared input of a playbook, passed as an extra variable.

    Attributes:
        kind: a key of scenarios.values.KINDS.
        default: what the playbook uses when the input is not given; shown, never passed.
        positional: whether the command line takes it without a flag.
        setting: where in the user's config.yaml a command's own default stands, as in "container.cores". The name of
            a section alone, as in "container", takes all of it, and the others of this section get none: what is a
            default is told from what somebody asked for.
        flag: its name on the command line, where that is another one.
        hidden: whether the command line leaves it to playbooks and scenarios.
    """

    name: str
    kind: str
    help: str
    default: Json = None
    required: bool = False
    choices: tuple[str, ...] = ()
    positional: bool = False
    setting: str = ""
    flag: str = ""
    hidden: bool = False


@dataclass(frozen=True)
class Output:
    """One value a playbook publishes."""

    name: str
    kind: str
    help: str


@dataclass(frozen=True)
class Table:
    """How a list among the outputs is shown to a person.

    Attributes:
        output: the output: a list of mappings.
        columns: the keys that are shown, in order; one that is empty in every row is left out.
        empty: what is said instead of an empty table.
    """

    output: str
    columns: tuple[str, ...]
    empty: str


@dataclass(frozen=True)
class Verb:
    """A playbook somebody may ask for by name.

    Attributes:
        builds: whether it makes something that has to be removed one day: a guest, or a host's entry.
        destructive: whether it removes guests, so that a person at a terminal is asked first.
        file: the playbook's path, where it is not ``playbooks/<name>.yml`` of this repository.
        group: the command it stands below, without its prefix: ``container-create`` of the group ``container`` is
            ``./run.sh container create``, and its input ``container_cores`` is ``--cores`` there.
        hidden: whether --help leaves it out; it can be run all the same.
        table: how what it found is shown.
        result: what is said in the end, with its outputs in braces.
    """

    name: str
    help: str
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    builds: bool = False
    destructive: bool = False
    file: str = ""
    group: str = ""
    hidden: bool = False
    table: Table | None = None
    result: str = ""

    @property
    def command(self) -> str:
        """Its name on the command line, below its group."""
        return self.name.removeprefix(f"{self.group}-")

    def flag(self, each: Input) -> str:
        """An input's name on the command line: without the group's prefix, words joined by hyphens."""
        return each.flag or each.name.removeprefix(f"{self.group}_").replace("_", "-")

    @property
    def playbook(self) -> str:
        """The playbook's path, relative to the repository or absolute."""
        return self.file or f"playbooks/{self.name}.yml"

    def input(self, name: str) -> Input:
        """The declared input of that name; UsageError when the playbook has none."""
        for declared in self.inputs:
            if declared.name == name:
                return declared
        raise unknown(f"input of {self.name}", name, [declared.name for declared in self.inputs])
