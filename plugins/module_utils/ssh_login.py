# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows an SSH host who we are: which keys and passwords it is offered, in which order, and what it did not accept."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.homelab.pve.plugins.module_utils.errors import AuthenticationError

MISSING: ImportError | None = None
try:
    import paramiko
    from paramiko.pkey import UnknownKeyType
except ImportError as error:
    MISSING = error

DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")

Offer = Callable[["paramiko.Transport"], object]


@dataclass(frozen=True)
class Login:
    """Who we are. Keys are offered in this order: ``keys``, the agent's, the user's default ones; then the password.

    ``passphrase`` opens encrypted keys. With ``identities_only`` just ``keys``, also by the agent that holds them, and
    the password are offered.
    """

    user: str
    keys: Sequence[Path] = ()
    password: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    identities_only: bool = False


def log_in(transport: paramiko.Transport, place: str, login: Login) -> None:
    """Offer what we have until the host accepts it. AuthenticationError tells all that was offered."""
    offered: list[str] = []
    try:
        for what, offer in _offers(login):
            offered.append(what)
            if _is_accepted(transport, offer):
                return
    except (paramiko.SSHException, EOFError, OSError) as error:
        offered.append(f"then it closed the connection: {str(error).rstrip('.') or 'no reason given'}")
    raise AuthenticationError(
        f"{place} does not accept {login.user}. Offered: {'; '.join(offered) or 'nothing, for there is no key'}. "
        "Check the user name, and that the public key is in the user's authorized_keys there."
    )


def _is_accepted(transport: paramiko.Transport, offer: Offer | None) -> bool:
    if offer is None:
        return False
    try:
        offer(transport)
    except paramiko.AuthenticationException:
        return False
    return transport.is_authenticated()


def _offers(login: Login) -> Iterator[tuple[str, Offer | None]]:
    """What we offer, in words and as a call; None where the words say why it can't be offered."""
    for path in login.keys:
        yield _key_offer(login, path)
    for key in _agent_keys(login):
        yield f"the agent's key {key.fingerprint}", _with_key(login.user, key)
    for path in [] if login.identities_only else _default_keys(login.keys):
        yield _key_offer(login, path)
    if login.password is not None:
        yield "a password", lambda transport: transport.auth_password(login.user, login.password or "")


def _agent_keys(login: Login) -> list[paramiko.AgentKey]:
    """What the agent may offer: all its keys, or just those whose public halves are on file (IdentitiesOnly)."""
    held = list(paramiko.Agent().get_keys())
    if not login.identities_only:
        return held
    meant = {blob for path in login.keys if (blob := _public_blob(path))}
    return [key for key in held if key.asbytes() in meant]


def _public_blob(path: Path) -> bytes | None:
    """The public half of a key: the file beside the private one, or the named one itself, as ssh has it."""
    for file in (path.with_name(f"{path.name}.pub"), path):
        with suppress(OSError, ValueError, IndexError):
            return base64.b64decode(file.expanduser().read_text(encoding="ascii").split()[1], validate=True)
    return None


def _with_key(user: str, key: paramiko.PKey) -> Offer:
    return lambda transport: transport.auth_publickey(user, key)


def _default_keys(given: Sequence[Path]) -> list[Path]:
    found = [Path.home() / ".ssh" / name for name in DEFAULT_KEYS]
    return [path for path in found if path.is_file() and path not in given]


def _key_offer(login: Login, path: Path) -> tuple[str, Offer | None]:
    what = f"the key {path}"
    try:
        key = _loaded(path.expanduser(), login.passphrase)
    except OSError as error:
        return f"{what} (not readable: {error.strerror})", None
    except (TypeError, paramiko.PasswordRequiredException):
        return f"{what} (encrypted: give its passphrase, or add it to the agent with ssh-add)", None
    except (ValueError, paramiko.SSHException, UnknownKeyType):
        why = "no private key" if login.passphrase is None else "no private key, or not of this passphrase"
        return f"{what} ({why})", None
    return f"{what} ({key.fingerprint})", _with_key(login.user, key)


def _loaded(path: Path, passphrase: str | None) -> paramiko.PKey:
    """A private key. The reader refuses a passphrase for a key that has none, so it is asked without one first."""
    try:
        return paramiko.PKey.from_path(path)
    except (TypeError, paramiko.PasswordRequiredException):
        if passphrase is None:
            raise
    return paramiko.PKey.from_path(path, passphrase.encode())  # type: ignore[arg-type]  # it wants bytes
