"""``./run.sh host``: the Proxmox VE hosts the user knows."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from ansible_collections.homelab.pve.plugins.module_utils.errors import (
    AuthenticationError,
    ConfigError,
    ConnectionError,
    HomelabPveError,
    PVENotFoundError,
)
from ansible_collections.homelab.pve.plugins.module_utils.host_checks import (
    FAILED,
    LOGIN,
    NODE,
    OK,
    VERSION,
    Check,
    found,
)
from ansible_collections.homelab.pve.plugins.module_utils.host_entries import identity
from ansible_collections.homelab.pve.plugins.module_utils.ssh_config import Host
from ansible_collections.homelab.pve.plugins.module_utils.ssh_host_keys import HostKeyFiles

from scenarios.errors import DriverError, NotReadyError, UsageError
from scenarios.hosts import HostManager
from scenarios.tables import cell, print_table
from scenarios.values import Json

STYLES = {OK: "green", FAILED: "bold red", "skipped": "dim"}
EXITS: tuple[tuple[type[HomelabPveError], type[DriverError]], ...] = (
    (ConfigError, UsageError),
    (ConnectionError, NotReadyError),
    (AuthenticationError, NotReadyError),
    (PVENotFoundError, NotReadyError),
    (HomelabPveError, DriverError),
)
"""What went wrong -> with which exit code the driver ends."""


class HostCommands(click.Group):
    """Commands whose errors end the driver with its own exit codes."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command, and close what it opened."""
        manager = ctx.obj = HostManager()
        try:
            return super().invoke(ctx)
        except HomelabPveError as error:
            raise next(kind for cause, kind in EXITS if isinstance(error, cause))(str(error)) from error
        finally:
            manager.close()


@click.group(cls=HostCommands)
def host() -> None:
    """Proxmox VE hosts, kept as marked blocks of the SSH configuration."""


@host.command()
@click.argument("name")
@click.option("--hostname", required=True, metavar="ADDRESS", help="DNS name or address.")
@click.option("--user", default="root", show_default=True, help="Who logs in.")
@click.option("--port", default=22, show_default=True, type=int, help="Of sshd.")
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Private key.")
@click.option("--jump", metavar="HOST", help="Reach it through this host; several with commas between.")
@click.option("--strict", is_flag=True, help="Never connect before its key is pinned; see --known-hosts.")
@click.option(
    "--known-hosts",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Pin the key this file knows the host by.",
)
@click.option("--default", "as_default", is_flag=True, help="Make it the default host.")
@click.pass_obj
def add(
    manager: HostManager,
    /,
    name: str,
    key: Path | None,
    known_hosts: Path | None,
    as_default: bool,
    **options: Any,  # noqa: ANN401 - as click hands them over
) -> None:
    """Add a host. Nothing is connected yet: try 'host test NAME' next."""
    manager.add(
        name,
        options["hostname"],
        user=options["user"],
        port=options["port"],
        identity_file=identity(key),
        proxy_jump=options["jump"],
        strict=options["strict"],
        known_hosts=known_hosts,
    )
    if as_default:
        manager.set_default(name)
    click.echo(f"Added {name} to {manager.ssh_config.config_path}. Next: ./run.sh host test {name}")


@host.command("list")
@click.option("-v", "--verbose", is_flag=True, help="Connect to each: version, node name, or why not.")
@click.option("--json", "json_output", is_flag=True, help="A JSON document.")
@click.pass_obj
def list_hosts(manager: HostManager, verbose: bool, json_output: bool) -> None:
    """List the Proxmox VE hosts of the SSH configuration."""
    rows = [_row(manager, each) for each in manager.list()]
    if verbose:
        tested = manager.test_all([str(row["name"]) for row in rows])
        rows = [row | _reached(tested[str(row["name"])]["checks"]) for row in rows]
    if json_output:
        click.echo(json.dumps(rows, indent=2))
    elif rows:
        _print_list(rows)
    else:
        click.echo("No hosts yet. Add one: ./run.sh host add NAME --hostname ADDRESS")


@host.command()
@click.argument("name", required=False)
@click.option("--json", "json_output", is_flag=True, help="A JSON document.")
@click.pass_obj
def test(manager: HostManager, name: str | None, json_output: bool) -> None:
    """Check SSH, Proxmox VE's tools, its API and our privileges there. Exit code 3 when one fails.

    NAME may be left out for the default host.
    """
    chosen = name or manager.default()
    if not chosen:
        raise UsageError(f"Which host? Known: {', '.join(manager.names()) or 'none'}. None of them is the default.")
    checks = manager.test(chosen)["checks"]
    if json_output:
        click.echo(json.dumps({"host": chosen, "checks": [each.shown() for each in checks]}, indent=2))
    else:
        cells = [[each.name, each.status, each.found, each.remedy] for each in checks]
        print_table(["check", "status", "what was found", "what to do"], cells, STYLES)
    if any(each.status == FAILED for each in checks):
        sys.exit(NotReadyError.exit_code)


@host.command()
@click.argument("name")
@click.pass_obj
def remove(manager: HostManager, name: str) -> None:
    """Remove a host from the SSH configuration, with its pinned key."""
    manager.remove(name)
    click.echo(f"Removed {name} from {manager.ssh_config.config_path}.")


@host.command("set-default")
@click.argument("name")
@click.pass_obj
def set_default(manager: HostManager, name: str) -> None:
    """Use a host when none is named."""
    manager.set_default(name)
    click.echo(f"{name} is the default host now ({manager.app_config.path}).")


@host.command()
@click.argument("name")
@click.option("--json", "json_output", is_flag=True, help="A JSON document.")
@click.pass_obj
def show(manager: HostManager, name: str, json_output: bool) -> None:
    """Show how a host is reached, as ssh sees it, and which keys it is known by."""
    where = manager.resolved(name)
    pinned = HostKeyFiles(where.known_hosts, alias=where.host_key_alias).known(where.hostname, where.port)
    document: dict[str, Json] = {
        "name": name,
        "default": manager.default() == name,
        "hostname": where.hostname,
        "user": where.user,
        "port": where.port,
        "keys": [str(path) for path in where.keys],
        "jump": list(where.jumps),
        "strict": where.strict,
        "pinned": [str(pin) for pin in pinned],
    }
    if json_output:
        click.echo(json.dumps(document, indent=2))
        return
    print_table(["", ""], [[key, cell(value)] for key, value in document.items()], STYLES, heading=False)


def _row(manager: HostManager, entry: Host) -> dict[str, Json]:
    where = manager.resolved(str(entry["name"]))
    return {
        "name": where.name,
        "hostname": where.hostname,
        "user": where.user,
        "port": where.port,
        "default": where.name == manager.default(),
    }


def _reached(checks: Sequence[Check]) -> dict[str, Json]:
    """Node name and version of a host, or the first thing that is wrong with it."""
    wrong = next((each.found for each in checks if each.status == FAILED), "")
    return {
        "reachable": found(checks, LOGIN) is not None,
        "node": found(checks, NODE) or "",
        "version": found(checks, VERSION) or "",
        "problem": wrong,
    }


def _print_list(rows: Sequence[Mapping[str, Json]]) -> None:
    """A table, and below it a line for each host that has a problem: it would be too long for a column."""
    shown = [{key: value for key, value in row.items() if key != "problem"} for row in rows]
    print_table(list(shown[0]), [[cell(value) for value in row.values()] for row in shown], STYLES)
    for row in rows:
        if row.get("problem"):
            click.echo(f"{row['name']}: {row['problem']}")
