# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit of systemd for a service, and its file of environment variables. Pure.

Values of the environment stand in a file of their own: everybody may read a unit.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from ansible_collections.homelab.pve.plugins.plugin_utils.service_file import Service

# systemd has no `unless-stopped`: what was stopped by hand starts again at boot only.
RESTARTS = {"no": "no", "always": "always", "on-failure": "on-failure", "unless-stopped": "always"}
# systemd.syntax(7), "Quoting"; a specifier's % and a variable's $ are doubled: systemd.unit(5), systemd.service(5).
ESCAPES = {"\\": "\\\\", '"': '\\"', "%": "%%", "$": "$$", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:=@,+-]+")
OWNER = "X-Homelab-PVE-App"


def unit_name(app: str, service: str) -> str:
    """Name of a service's unit."""
    return f"{app}-{service}.service"


def unit(service: Service, app: str, directory: str) -> str:
    """The text of a service's unit.

    :param app: the application it belongs to
    :param directory: the application's own directory, with its files below ``current``
    """
    sections = {"Unit": _unit(service, app), "Service": _service(service, directory), "Install": _install()}
    return "\n".join(f"[{name}]\n" + "".join(f"{line}\n" for line in lines) for name, lines in sections.items())


def _unit(service: Service, app: str) -> Iterator[str]:
    needed = " ".join(unit_name(app, name) for name in service.depends_on)
    yield f"Description={app}: {service.name}"
    # Whose the file is. systemd passes over keys that begin with X-.
    yield f"{OWNER}={app}"
    yield f"After=network.target {needed}".rstrip()
    if needed:
        yield f"Wants={needed}"
    # Started again for as long as it takes, as Compose does.
    yield "StartLimitIntervalSec=0"


def _service(service: Service, directory: str) -> Iterator[str]:
    top = posixpath.join(directory, "current")
    place = posixpath.normpath(posixpath.join(top, service.working_dir))
    yield "Type=exec"
    yield f"WorkingDirectory={place.replace('%', '%%')}"
    yield f"EnvironmentFile={environment_file(directory, service.name)}"
    if service.user:
        yield f"User={service.user}"
    yield "ExecStart=" + " ".join(word(each) for each in (_program(service.command[0], place), *service.command[1:]))
    yield f"Restart={RESTARTS[service.restart]}"
    if service.restart != "no":
        yield "RestartSec=2"


def _install() -> Iterator[str]:
    yield "WantedBy=multi-user.target"


def _program(name: str, place: str) -> str:
    """A program's path or name; systemd itself finds a bare name, and no path that is not absolute."""
    return posixpath.normpath(posixpath.join(place, name)) if "/" in name else name


def word(text: str) -> str:
    """One word of a command line, quoted where systemd needs it."""
    if PLAIN_WORD.fullmatch(text):
        return text
    return '"' + "".join(ESCAPES.get(character, _visible(character)) for character in text) + '"'


def _visible(character: str) -> str:
    """A character, or its escape when it is a control character of ASCII."""
    return character if ord(character) >= ord(" ") and character != "\x7f" else f"\\x{ord(character):02x}"


def environment_file(directory: str, service: str) -> str:
    """Where a service's environment stands."""
    return posixpath.join(directory, "env", f"{service}.env")


def environment_text(values: Mapping[str, str]) -> str:
    """Environment variables as EnvironmentFile= reads them: systemd.exec(5)."""
    return "".join(f'{name}="{_shielded(value)}"\n' for name, value in sorted(values.items()))


def _shielded(value: str) -> str:
    """Within double quotes a backslash takes the meaning of exactly these four characters."""
    return re.sub(r'(["\\`$])', r"\\\1", value)
