# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secret of an API token: tried against the API, kept in a private file, handed out once."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from ansible_collections.homelab.pve.plugins.module_utils.api import Client, Connection, connect
from ansible_collections.homelab.pve.plugins.module_utils.apply import Outcome, reconcile
from ansible_collections.homelab.pve.plugins.module_utils.codecs import Json
from ansible_collections.homelab.pve.plugins.module_utils.engine import Values
from ansible_collections.homelab.pve.plugins.module_utils.errors import AuthenticationError, ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.module import TASK_TIMEOUT, result
from ansible_collections.homelab.pve.plugins.module_utils.resources.api_token import TOKEN, TRIED


def declare(client: Client, params: Values, dry_run: bool) -> dict[str, Json]:
    """Work of the module api_token."""
    token_id = f"{params['userid']}!{params['tokenid']}"
    path = Path(params["secret_path"]) if params.get("secret_path") else None
    wish = {**params, **_tried(params, token_id, path)}
    outcome = reconcile(TOKEN, wish, client, dry_run=dry_run, timeout=TASK_TIMEOUT)
    return {**result(TOKEN, outcome), "full_tokenid": token_id, **_handed_out(outcome, token_id, path)}


def _tried(params: Values, token_id: str, path: Path | None) -> dict[str, bool]:
    """Whether the secret at hand works. A file that should hold it but doesn't counts as a secret that is lost."""
    secret = params.get("current_secret") or (stored_secret(path, token_id) if path else None)
    if secret is None:
        return {TRIED: False} if path else {}
    return {TRIED: works(Connection.from_params(params), token_id, secret)}


def works(connection: Connection, token_id: str, secret: str) -> bool:
    """Whether the API accepts the token. Raises ConnectionError when it can't be asked."""
    client = connect(replace(connection, transport="https", token_id=token_id, token_secret=secret))
    try:
        client.get("/version")
    except AuthenticationError:
        return False
    finally:
        client.close()
    return True


def stored_secret(path: Path, token_id: str) -> str | None:
    """The secret in a file this module wrote, None when there is no file. Raises ConfigError for any other file."""
    if not path.exists():
        return None
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        found, secret = str(kept["id"]), str(kept["secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "this is no file of an API token; remove it, or give another secret_path", str(path)
        ) from error
    if found != token_id:
        raise ConfigError(f"this keeps the secret of {found}, not of {token_id}; give another secret_path", str(path))
    return secret


def store_secret(path: Path, token_id: str, secret: str) -> None:
    """Write the file in one step, readable for its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"id": token_id, "secret": secret}, file)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _handed_out(outcome: Outcome, token_id: str, path: Path | None) -> dict[str, Json]:
    """A new secret, into the file when there is one, else into the result."""
    secret = next(
        (answer["value"] for answer in outcome.answers if isinstance(answer, dict) and "value" in answer), None
    )
    if secret is None:
        return {}
    if path is None:
        return {"secret": secret}
    store_secret(path, token_id, secret)
    return {"secret_path": str(path)}
