"""Hosts come from the Ansible inventory; the driver reads their names and one variable, nothing else."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from scenarios.errors import UsageError, unknown

LAB_NODE = "pve_lab_node"


@dataclass(frozen=True)
class Host:
    """An inventory host.

    Attributes:
        lab_node: whether it is the embedded lab's node (inventory variable ``pve_lab_node``).
    """

    name: str
    lab_node: bool


def find(name: str, sources: tuple[str, ...], vault_password_file: str | None) -> Host:
    """Look a host up; without a name the only one there is.

    Raises:
        UsageError: the inventory can't be read, or has no such host; the known ones are listed.
    """
    for source in sources:
        if not Path(source).exists():
            raise UsageError(f"The inventory {source} does not exist. Give an existing one with --inventory.")
    return _find(name, sources, vault_password_file)


def _find(name: str, sources: tuple[str, ...], vault_password_file: str | None) -> Host:
    # Ansible costs 0.3 s to import: only commands that are about a host pay for it.
    from ansible.errors import AnsibleError  # noqa: PLC0415
    from ansible.inventory.manager import InventoryManager  # noqa: PLC0415
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415
    from ansible.parsing.vault import get_file_vault_secret  # noqa: PLC0415
    from ansible.vars.manager import VariableManager  # noqa: PLC0415

    loader = DataLoader()
    try:
        if vault_password_file:
            secret = get_file_vault_secret(filename=vault_password_file, loader=loader)
            secret.load()
            loader.set_vault_secrets([("default", secret)])
        manager = InventoryManager(loader=loader, sources=list(sources))
        name = name or _only(manager.hosts)
        host = manager.get_host(name)
        if host is None or name not in manager.hosts:
            raise unknown("host", name, manager.hosts)
        variables = VariableManager(loader=loader, inventory=manager).get_vars(host=host, include_hostvars=False)
    except AnsibleError as error:
        raise UsageError(f"The inventory {', '.join(sources)} can't be used: {error}") from error
    return Host(name, variables.get(LAB_NODE) is True)


def _only(names: Collection[str]) -> str:
    """The one host there is; UsageError when there are others to choose from."""
    if len(names) == 1:
        return next(iter(names))
    known = ", ".join(sorted(names)) or "none"
    raise UsageError(f"Which host? Give --host, or choose a default: ./run.sh host set-default NAME. Known: {known}.")
