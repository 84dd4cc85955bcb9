# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits the user's SSH configuration without touching a byte that is not ours.

The libraries there are (sshconf, stormssh, ssh-config) write a file anew: they lose Match, ``Key=value``, several names
on a line or the line ends. So this is our own, and it is small: a block of ours stands between two comments and is
added or removed as a whole. What a name means in the end is not decided here but by OpenSSH itself: see ssh_resolve.

Blocks of ours stand first, since ssh takes the first value it finds (ssh_config(5)), and end with ``Match all``, so
that what follows is read as if they were not there.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.whole_files import locked, private_directory, replacing

MARK = "# homelab.pve: Proxmox VE host"
"""The comment that makes a block that of a Proxmox VE host: above its Host line or in it, written by us or by hand."""
END = "# homelab.pve: end of"
INVENTORY_NAMES = ("ssh_hosts.yml", "ssh_hosts.yaml")
"""How the name of an inventory file ends that stands for the marked hosts: see the plugin ssh_hosts."""
BACKUP = ".homelab-pve.bak"
DEPTH = 16
"""How deep files may include one another (READCONF_MAX_DEPTH, OpenSSH readconf.c)."""

LINE = re.compile(r"\s*(?P<keyword>[^\s=#\"]+)(?:\s*=\s*|\s+|$)(?P<rest>.*)", re.DOTALL)
WORD = re.compile(r"\s*(?:(?P<comment>#.*)|(?P<word>(?:\"[^\"]*\"|'[^']*'|\\.|[^\s\"'])+)|(?P<bad>\S.*))", re.DOTALL)
QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'|\\([\"'\\ ])")
WILDCARDS = frozenset("*?!")

Host = dict[str, "str | int"]
"""A host: ``name``, and the keywords of its block in lower case, each with its first value."""


@dataclass(frozen=True)
class Value:
    """What an option of ``add_host`` may be."""

    keyword: str
    pattern: re.Pattern[str]
    allowed: str

    def checked(self, text: str) -> str:
        """The text, or ConfigError."""
        if not self.pattern.fullmatch(text):
            raise ConfigError(f"{self.keyword} cannot be '{text}': it {self.allowed}.")
        return text


NAME = Value(
    "A host's name",
    re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*"),
    "has letters, digits, '.', '_' and '-' only, and no '.' or '-' first",
)
HOSTNAME = Value(
    "HostName", re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:%-]*"), "is a DNS name or an address without brackets"
)
USER = Value(
    "User",
    re.compile(r"[^\s\"'\\#%$=-][^\s\"'\\#%$]*"),
    "has no spaces, quotes or any of #%$\\, and does not begin with - or =",
)
PATH = Value("IdentityFile", re.compile(r"(?!none$)(?:[^\"\\\x00-\x1f$]|\$(?!\{))+"), "is the path of a private key")
JUMP = Value(
    "ProxyJump",
    re.compile(r"[A-Za-z0-9_\[][A-Za-z0-9_.:@,\[\]-]*"),
    "is a list of [user@]host[:port] with commas between",
)
PORTS = range(1, 65_536)


@dataclass
class Block:
    """The lines that begin with ``Host``: the names on it, and what it says."""

    file: Path
    line: int
    names: Sequence[str]
    marked: bool = False
    options: dict[str, str] = field(default_factory=dict)

    def literal(self) -> list[str]:
        """Names that are no patterns."""
        return [name for name in self.names if not WILDCARDS.intersection(name)]


def split_lines(text: str) -> list[str]:
    """Lines with their ends. Only a line feed ends one, as for ssh."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def split_line(line: str) -> tuple[str, list[str]]:
    """Keyword in lower case and arguments of a line; no keyword for a blank line or a comment.

    :raises ValueError: it is neither, and ssh would refuse it; says why
    """
    if not line.strip() or line.lstrip().startswith("#"):
        return "", []
    found = LINE.match(line)
    if not found:
        raise ValueError("a line begins with a keyword")
    words = list(_words(found["rest"]))
    if not words:
        raise ValueError(f"{found['keyword']} has no value")
    return found["keyword"].lower(), words


def _words(text: str) -> Iterator[str]:
    for found in WORD.finditer(text.rstrip()):
        if found["bad"]:
            raise ValueError("a quote is not closed")
        if found["comment"]:
            return
        yield QUOTED.sub(lambda quoted: "".join(part or "" for part in quoted.groups()), found["word"])


def read_text(path: Path) -> str:
    """A configuration's text with every byte in it; empty when there is no such file."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigError(f"it cannot be read: {error.strerror}", str(path)) from error


def parse(text: str, file: Path) -> Iterator[tuple[str, list[str], int, bool]]:
    """Keyword, arguments, line number, and whether a mark stands right above, of each line that says something.

    ConfigError names the first line that cannot be read.
    """
    marked = False
    for number, line in enumerate(split_lines(text), 1):
        try:
            keyword, words = split_line(line)
        except ValueError as error:
            raise ConfigError(f"{error}: {line.rstrip()}", str(file), number) from error
        marked = marked or line.strip().startswith(MARK)
        if keyword:
            yield keyword, words, number, marked
            marked = False


def blocks(text: str, file: Path) -> list[Block]:
    """The Host blocks of a text."""
    found: list[Block] = []
    inside = False
    for keyword, words, number, marked in parse(text, file):
        if keyword in {"host", "match"}:
            inside = keyword == "host"
            found += [Block(file, number, words, marked)] if inside else []
        elif inside:
            found[-1].marked |= marked
            found[-1].options.setdefault(keyword, " ".join(words) if keyword != "identityfile" else words[0])
    return found


def includes(text: str, file: Path, home: Path) -> list[Path]:
    """Files a configuration includes; a relative name is one in ~/.ssh, wherever the file is (ssh_config(5))."""
    patterns = [word for line in parse(text, file) if line[0] == "include" for word in line[1]]
    wanted = [str(home / ".ssh" / Path(pattern).expanduser()) for pattern in patterns]
    return [path for pattern in wanted for path in sorted(Path("/").glob(pattern.lstrip("/"))) if path.is_file()]


def ssh_home() -> Path:
    """The home directory that ssh means by a tilde: it asks the password database, not $HOME."""
    return Path(pwd.getpwuid(os.getuid()).pw_dir)


def is_users_own(config: Path) -> bool:
    """Whether ssh reads a file by itself, together with the system's."""
    return config == ssh_home() / ".ssh" / "config"


def own_lines(lines: Sequence[str], name: str) -> slice | None:
    """Where our block of a host is."""
    stripped = [line.strip() for line in lines]
    try:
        first = stripped.index(f"{MARK} {name}")
        return slice(first, stripped.index(f"{END} {name}", first) + 1)
    except ValueError:
        return None


def top(lines: Sequence[str]) -> int:
    """Where a new block goes: behind those of ours that come first."""
    position = 0
    while position < len(lines) and lines[position].startswith(f"{MARK} "):
        own = own_lines(lines, lines[position].strip().removeprefix(f"{MARK} "))
        if own is None or own.start != position:
            break
        position = own.stop
    return position


def with_host(text: str, name: str, options: Mapping[str, str]) -> str:
    """A text with a block of ours: in the place of the former one, or first."""
    end = "\r\n" if "\r\n" in text else "\n"
    said = [f"    {keyword} {value}" for keyword, value in options.items()]
    block = [f"{MARK} {name}", f"Host {name}", *said, "Match all", f"{END} {name}"]
    lines = split_lines(text)
    place = own_lines(lines, name) or slice(top(lines), top(lines))
    lines[place] = [line + end for line in block]
    return "".join(lines)


def without_host(text: str, name: str) -> str:
    """A text without our block of a host; the same text when there is none."""
    lines = split_lines(text)
    own = own_lines(lines, name)
    if own:
        del lines[own]
    return "".join(lines)


class SSHConfigParser:
    """Reads and edits an SSH configuration, the user's own by default. Several processes may edit it at once."""

    def __init__(self, config_path: Path | None = None) -> None:
        self.config_path = config_path or Path.home() / ".ssh" / "config"

    def blocks(self) -> list[Block]:
        """The Host blocks of the file and of what it includes."""
        return list(self._blocks(self.config_path, DEPTH))

    def list_hosts(self, marked: bool = True) -> list[Host]:
        """Hosts with a name of their own: the Proxmox VE hosts, or with ``marked=False`` all."""
        return [_host(name, block) for block in self.blocks() if block.marked or not marked for name in block.literal()]

    def get_host(self, name: str) -> Host | None:
        """The first block with this very name."""
        return next((host for host in self.list_hosts(marked=False) if host["name"] == name), None)

    def add_host(
        self,
        name: str,
        hostname: str,
        user: str = "root",
        port: int = 22,
        identity_file: str | None = None,
        *,
        proxy_jump: str | None = None,
        known_hosts: Path | None = None,
        strict: bool = False,
    ) -> None:
        """Add a Proxmox VE host.

        :param known_hosts: file of its own that pins the host's key, read beside the user's known_hosts
        :param strict: never connect to the host before its key is pinned
        :raises ConfigError: a value can't be used, the name is taken, or the file can't be read; nothing was written
        """
        options = host_options(
            hostname=hostname,
            user=user,
            port=port,
            identity_file=identity_file,
            proxy_jump=proxy_jump,
            known_hosts=known_hosts,
            strict=strict,
        )
        self.write_host(NAME.checked(name), options, replace=False)

    def write_host(self, name: str, options: Mapping[str, str], *, replace: bool) -> None:
        """Write a block of ours with these keywords, where the former one stood if there was one.

        :param options: as ``host_options`` makes them
        :param replace: whether a block of ours with this name may be there already
        :raises ConfigError: the name is taken, or the file can't be read; nothing was written
        """
        with locked(self.config_path):
            text = read_text(self.config_path)
            if not (replace and own_lines(split_lines(text), name)):
                self._refuse_taken(name)
            self._write(text, with_host(text, name, options))

    def own_options(self, name: str) -> dict[str, str] | None:
        """Keywords of the block that ``add_host`` made, with their values as they stand there; None without one.

        :raises ConfigError: there is a block of this name that is not ours
        """
        lines = split_lines(read_text(self.config_path))
        own = own_lines(lines, name)
        if own is None:
            self._refuse_foreign(name)
            return None
        said = [
            line.strip().split(None, 1) for line in lines[own] if line.strip() and not line.lstrip().startswith("#")
        ]
        return {words[0]: words[-1] for words in said if words[0] not in ("Host", "Match")}

    def remove_host(self, name: str) -> bool:
        """Remove the block that ``add_host`` made; False when there is no such host.

        :raises ConfigError: the host's block is not ours to remove
        """
        with locked(self.config_path):
            text = read_text(self.config_path)
            changed = without_host(text, name)
            if changed == text:
                self._refuse_foreign(name)
                return False
            self._write(text, changed)
        return True

    def _refuse_taken(self, name: str) -> None:
        for block in self.blocks():
            if name in block.literal():
                raise ConfigError(f"there is a host '{name}' already", str(block.file), block.line)

    def _refuse_foreign(self, name: str) -> None:
        for block in self.blocks():
            if name in block.literal():
                advice = f"Remove it there, or just its comment '{MARK}'"
                raise ConfigError(f"'{name}' was not added by 'host add'. {advice}.", str(block.file), block.line)

    def _blocks(self, file: Path, depth: int) -> Iterator[Block]:
        text = read_text(file)
        yield from blocks(text, file)
        for included in includes(text, file, Path.home()) if depth else []:
            yield from self._blocks(included, depth - 1)

    def _write(self, before: str, after: str) -> None:
        private_directory(self.config_path.parent)
        if before:
            _write(self.config_path.with_name(self.config_path.name + BACKUP), before)
        _write(self.config_path, after)


def _write(path: Path, text: str) -> None:
    with replacing(path) as file:
        file.write(text.encode("utf-8", "surrogateescape"))


def _host(name: str, block: Block) -> Host:
    host: Host = {"name": name, **block.options}
    for keyword in ("hostname", "identityfile"):
        if keyword in host:
            host[keyword] = str(host[keyword]).replace("%%", "%")
    if str(host.get("port", "")).isdigit():
        host["port"] = int(host["port"])
    return host


def host_options(
    *,
    hostname: str,
    user: str,
    port: int,
    identity_file: str | None,
    proxy_jump: str | None,
    known_hosts: Path | None,
    strict: bool,
) -> dict[str, str]:
    """Keywords of a new block, with their values as ssh reads them: a percent sign begins a token there."""
    if port not in PORTS:
        raise ConfigError(f"Port cannot be {port}: it is a number from 1 to 65535.")
    options = {
        "HostName": HOSTNAME.checked(hostname).replace("%", "%%"),
        "User": USER.checked(user),
        "Port": str(port),
        "IdentityFile": _quoted(PATH.checked(identity_file)) if identity_file else "",
        "ProxyJump": JUMP.checked(proxy_jump) if proxy_jump else "",
        "UserKnownHostsFile": f"{_quoted(PATH.checked(str(known_hosts)))} ~/.ssh/known_hosts" if known_hosts else "",
        "StrictHostKeyChecking": "yes" if strict else "",
    }
    return {keyword: value for keyword, value in options.items() if value}


def _quoted(path: str) -> str:
    """A path as one argument."""
    escaped = path.replace("%", "%%")
    return f'"{escaped}"' if re.search(r"[\s#'=]", escaped) else escaped
