# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which key a host has to show. Keys are pinned in files of OpenSSH's own form, so that ssh and Ansible read them too.

A host that is in no file yet is pinned on first use, or refused when ``strict``. A key that is not the pinned one is
always refused, also when it is of another type: a host in the middle would show just that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, HostKeyError
from ansible_collections.homelab.pve.plugins.module_utils.whole_files import locked, private_directory

MISSING: ImportError | None = None
try:
    from paramiko import PKey
    from paramiko.hostkeys import HostKeyEntry, HostKeys, InvalidHostKey
    from paramiko.ssh_exception import SSHException
except ImportError as error:
    MISSING = error

SSH_PORT = 22
REVOKED = "@revoked"
"""Marks a key nobody may show any more (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""


@dataclass(frozen=True)
class Pin:
    """A key a host is known by, and where that stands."""

    file: Path
    line: int
    key: PKey
    revoked: bool = False

    def __str__(self) -> str:
        return f"{self.key.fingerprint} is pinned in {self.file} line {self.line}"


@dataclass
class HostKeyFiles:
    """The files that pin keys. A new key is written to the first one; the others are only read.

    :param alias: the name a host's keys are kept under instead of its own (ssh_config(5), HostKeyAlias)
    """

    files: Sequence[Path]
    strict: bool = True
    alias: str | None = None
    newly_pinned: str | None = field(default=None, init=False)
    """Fingerprint of the key that ``check`` pinned because nothing was known."""

    def known(self, host: str, port: int) -> list[Pin]:
        """Pins of a host."""
        name = self._name(host, port)
        return [pin for file in self.files for pin in read(file, name)]

    def check(self, host: str, port: int, key: PKey) -> None:
        """Accept the key a host showed, or raise HostKeyError."""
        name = self._name(host, port)
        if self._accepted(host, port, key):
            return
        if self.strict:
            raise HostKeyError(host, port, f"its host key {key.fingerprint} is unknown", self._how_to_trust(name))
        with locked(self.files[0]):
            if not self._accepted(host, port, key):  # another process may have been first
                pin(self.files[0], name, key)
                self.newly_pinned = key.fingerprint

    def _accepted(self, host: str, port: int, key: PKey) -> bool:
        known = self.known(host, port)
        if any(pin.revoked and pin.key == key for pin in known):
            raise HostKeyError(host, port, f"its host key {key.fingerprint} is revoked", "Give the host a new key.")
        valid = [pin for pin in known if not pin.revoked]
        if valid and not any(pin.key == key for pin in valid):
            raise changed(host, port, key, _nearest(valid, key))
        return bool(valid)

    def _name(self, host: str, port: int) -> str:
        return self.alias or pinned_name(host, port)

    def _how_to_trust(self, name: str) -> str:
        return (
            f"It is in none of {', '.join(map(str, self.files))}. Compare the fingerprint with what "
            f"'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub' prints on {name}, then pin it."
        )


def pinned_name(host: str, port: int) -> str:
    """The name under which known_hosts files list a host."""
    return host if port == SSH_PORT else f"[{host}]:{port}"


def changed(host: str, port: int, key: PKey, known: Pin) -> HostKeyError:
    """The error for a key that is not the pinned one."""
    return HostKeyError(
        host,
        port,
        f"it shows the host key {key.fingerprint}, but {known}",
        "If the host was installed anew, remove that line; if not, somebody may be between you and the host.",
    )


def _nearest(pins: Sequence[Pin], key: PKey) -> Pin:
    return next((pin for pin in pins if pin.key.get_name() == key.get_name()), pins[0])


def read(file: Path, name: str) -> Iterator[Pin]:
    """Pins of one host in a file; none when it does not exist or may not be read.

    A file of the system may be a dangling or unreadable link: Proxmox VE keeps /etc/ssh/ssh_known_hosts in /etc/pve.
    """
    try:
        lines = file.expanduser().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for number, line in enumerate(lines, 1):
        words = line.split(maxsplit=1)
        if not words or words[0].startswith("#") or (words[0].startswith("@") and words[0] != REVOKED):
            continue
        revoked = words[0] == REVOKED
        key = _key(file, number, words[-1] if revoked else line, name)
        if key:
            yield Pin(file, number, key, revoked)


def _key(file: Path, number: int, line: str, name: str) -> PKey | None:
    """The key on a line when the line is about ``name`` (which may stand there hashed)."""
    if not _is_listed(name, line.split(maxsplit=1)[0].split(",")):
        return None
    try:
        entry = HostKeyEntry.from_line(line.strip(), number)
    except (SSHException, InvalidHostKey, ValueError) as error:
        # Not taken for an unknown host, which would be pinned anew.
        raise ConfigError(f"this is no host key: '{line}'", str(file), number) from error
    return entry.key if entry else None


def _is_listed(name: str, listed: Iterable[str]) -> bool:
    return any(each == name or (each.startswith("|1|") and HostKeys.hash_host(name, each) == each) for each in listed)


def pin(file: Path, name: str, key: PKey) -> None:
    """Add a key to a file, which is made for its owner only."""
    private_directory(file.parent)
    line = HostKeyEntry([name], key).to_line() or ""
    with file.open("a+b") as stream:
        stream.seek(0)
        content = stream.read()
        stream.write((b"" if not content or content.endswith(b"\n") else b"\n") + line.encode())
    if not content:
        file.chmod(0o600)


def keys_of(source: Path, host: str, port: int) -> list[PKey]:
    """What a file knows of a host. ConfigError when that is nothing."""
    name = pinned_name(host, port)
    keys = [pin.key for pin in read(source, name) if not pin.revoked]
    if not keys:
        raise ConfigError(f"no host key of {name} in it. 'ssh-keyscan -p {port} {host}' shows one.", str(source))
    return keys


def take_over(source: Path, target: Path, host: str, port: int) -> list[PKey]:
    """Pin in ``target`` what ``source`` knows of a host; returns the keys. ConfigError when it knows nothing."""
    name, keys = pinned_name(host, port), keys_of(source, host, port)
    with locked(target):
        pinned = [pin.key for pin in read(target, name)]
        for key in keys:
            if key not in pinned:
                pin(target, name, key)
    return keys
