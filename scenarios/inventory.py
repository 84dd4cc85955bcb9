"""Hosts come from the Ansible inventory; the driver reads their names and one variable, nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import INVENTORY_NAMES, SSHConfigParser

from scenarios.errors import UsageError, unknown
from scenarios.hosts import ADVICE, LOCAL_TOOL

if TYPE_CHECKING:
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader

LAB_NODE = "pve_lab_node"
LOCAL_NODE = Path(__file__).with_name("local_node.yml")
"""This machine as an inventory, for commands on a Proxmox VE node that name no host."""


@dataclass(frozen=True)
class Host:
    """An inventory host.

    Attributes:
        lab_node: whether it is the embedded lab's node (inventory variable ``pve_lab_node``).
        source: an inventory that has it, beside the ones it was looked up in.
    """

    name: str
    lab_node: bool
    source: str = ""


def find(name: str, sources: tuple[str, ...], vault_password_file: str | None) -> Host:
    """Look a host up; without a name the only one there is, else this machine if it is a Proxmox VE node.

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
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415
    from ansible.parsing.vault import get_file_vault_secret  # noqa: PLC0415
    from ansible.vars.manager import VariableManager  # noqa: PLC0415

    loader = DataLoader()
    try:
        if vault_password_file:
            secret = get_file_vault_secret(filename=vault_password_file, loader=loader)
            secret.load()
            loader.set_vault_secrets([("default", secret)])
        manager = _manager(loader, sources)
        name = name or _only(manager.hosts) or ""
        if not name and shutil.which(LOCAL_TOOL):
            return Host("localhost", lab_node=False, source=str(LOCAL_NODE))
        if not name:
            raise UsageError(_advice(manager.hosts))
        host = manager.get_host(name)
        if host is None or name not in manager.hosts:
            raise unknown("host", name, manager.hosts)
        variables = VariableManager(loader=loader, inventory=manager).get_vars(host=host, include_hostvars=False)
    except AnsibleError as error:
        raise UsageError(f"The inventory {', '.join(sources)} can't be used: {error}") from error
    return Host(name, variables.get(LAB_NODE) is True)


def _manager(loader: DataLoader, sources: tuple[str, ...]) -> InventoryManager:
    """The inventory. Files of the plugin homelab.pve.ssh_hosts are read by what that plugin reads them with.

    Ansible finds no plugin of a collection that this process imports itself; ``ansible-playbook`` does.
    """
    from ansible.inventory.manager import InventoryManager  # noqa: PLC0415

    class Manager(InventoryManager):  # type: ignore[misc]  # ansible publishes no types
        def parse_source(self, source: str, cache: bool = False) -> bool:
            if not source.endswith(INVENTORY_NAMES):
                return bool(super().parse_source(source, cache=cache))
            for name in _ssh_hosts(source):
                self.add_host(name)
            return True

    return Manager(loader=loader, sources=list(sources))


def _ssh_hosts(source: str) -> Sequence[str]:
    """Names of the hosts an inventory file of the plugin stands for."""
    try:
        options = yaml.safe_load(Path(source).read_text(encoding="utf-8"))
        config = Path(options["ssh_config"]).expanduser() if "ssh_config" in options else None
        return [str(host["name"]) for host in SSHConfigParser(config).list_hosts()]
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise UsageError(f"The inventory {source} can't be used: {error}") from error
    except ConfigError as error:
        raise UsageError(str(error)) from error


def _only(names: Collection[str]) -> str | None:
    """The one host there is; None when there is none, or others to choose from."""
    return next(iter(names)) if len(names) == 1 else None


def _advice(names: Collection[str]) -> str:
    """What to do where no host is meant."""
    if not names:
        return ADVICE
    known = ", ".join(sorted(names))
    return f"Which host? Give --host, or choose a default: ./run.sh host set-default NAME. Known: {known}."
