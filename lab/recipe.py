# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab's root image is made of. Data, and the hash that names one version of it."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from pathlib import Path

from packaging.markers import Marker

SUITE = "bookworm"
PYTHON_VERSION = "3.11"
# The glibc of the suite is 2.36: wheels for it and for every older one run there.
NEWEST_GLIBC_MINOR = 36
OLDEST_GLIBC_MINOR = 17

PACKAGES = (
    "bridge-utils",
    "bzip2",
    "ca-certificates",
    "dbus",
    "git",
    "ifupdown2",
    "iproute2",
    "iputils-ping",
    "isc-dhcp-client",
    "lzop",
    "openssh-server",
    "procps",
    "python3-apt",
    "python3-minimal",
    "rsync",
    "sudo",
    "systemd",
    "xz-utils",
    "zstd",
)

# The lab's own Python packages inside a node are what these need, at the versions the lock pins.
DEPENDENCY_ROOTS = frozenset({"fakepve", "cryptography"})

LIBRARY = "/usr/lib/homelab-pve-lab"

SSHD_CONFIG = """\
# No PAM session and no reverse lookup: both only cost time here.
UsePAM no
UseDNS no
MaxStartups 100
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
X11Forwarding no
AcceptEnv LANG LC_*
HostKey /etc/ssh/ssh_host_ed25519_key
Subsystem sftp internal-sftp
Include /etc/ssh/sshd_config.d/*.conf
"""

# The init of a guest powers off on SIGPWR and reboots on SIGINT, as other small inits do. Where systemd is the init, it
# is systemd that is asked: the package systemd-sysv, which would do that, has an /sbin/init too.
_SHIM = """\
#!/bin/sh
# Asks the guest's init, which ends services in order before the namespace goes.
[ -d /run/systemd/system ] && exec systemctl {verb}
exec kill -{signal} 1
"""

SHUTDOWN_SHIM = """\
#!/bin/sh
# shutdown [-r|-h|-P|-H] [TIME] [MESSAGE]: every TIME means now, -c has nothing to cancel.
action=poweroff
for word in "$@"; do
  case "$word" in
    -r|--reboot) action=reboot ;;
    -c) exit 0 ;;
  esac
done
exec "$action"
"""

INTERFACES = """\
auto lo
iface lo inet loopback
"""

# path -> (mode, content); unpacked over the Debian root.
FILES: dict[str, tuple[int, str]] = {
    "etc/ssh/sshd_config": (0o644, SSHD_CONFIG),
    "etc/network/interfaces": (0o644, INTERFACES),
    "etc/hostname": (0o644, "localhost\n"),
    "etc/hosts": (0o644, "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"),
    "etc/resolv.conf": (0o644, ""),
    "etc/default/locale": (0o644, "LANG=C.UTF-8\n"),
    "usr/sbin/reboot": (0o755, _SHIM.format(verb="reboot", signal="INT")),
    "usr/sbin/poweroff": (0o755, _SHIM.format(verb="poweroff", signal="PWR")),
    "usr/sbin/halt": (0o755, _SHIM.format(verb="halt", signal="PWR")),
    "usr/sbin/shutdown": (0o755, SHUTDOWN_SHIM),
}

# What would run in a guest with systemd and has no business there: its init has brought the network up, there are no
# disks of its own, and packages come from nowhere.
DISABLED_UNITS = (
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "networking.service",
)

# Device files are left out: making them is refused without root, and every guest has a /dev of its own.
# Host keys are made by each guest at its first boot; the mount points are for nodes.
FINISH = f"""\
set -eu
root=$1 base=$2 files=$3 python=$4
mkdir -p "$root"
tar --extract --numeric-owner --xattrs --exclude="./dev/*" --file "$base" --directory "$root"
tar --extract --numeric-owner --file "$files" --directory "$root"
for unit in {" ".join(DISABLED_UNITS)}; do rm -f "$root"/etc/systemd/system/*.wants/"$unit"; done
rm -f "$root"/etc/ssh/ssh_host_*_key* "$root"/var/cache/apt/*.bin "$root"/etc/machine-id
mkdir -p "$root"{LIBRARY}/base "$root"{LIBRARY}/lab "$root"{LIBRARY}/python "$root"/var/lib/homelab-pve-lab
mount --bind "$python" "$root"{LIBRARY}/python
chroot "$root" python3 -m compileall -q {LIBRARY}/python
umount "$root"{LIBRARY}/python
"""

_REQUIREMENT = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;]+)\s*(?:;\s*([^\\]+?))?\s*\\?$")
_VIA = re.compile(r"^\s+#\s+(?:via\s+)?([a-z0-9][a-z0-9._-]*)\s*$")


def wheel_platforms(machine: str = platform.machine()) -> list[str]:
    """Platform tags of the wheels that run on the image, best first."""
    minors = range(NEWEST_GLIBC_MINOR, OLDEST_GLIBC_MINOR - 1, -1)
    return [*(f"manylinux_2_{minor}_{machine}" for minor in minors), f"manylinux2014_{machine}"]


def _blocks(lock: str) -> list[list[str]]:
    """The lock's text, cut before every requirement line."""
    blocks: list[list[str]] = []
    for line in lock.splitlines():
        if _REQUIREMENT.match(line):
            blocks.append([])
        if blocks:
            blocks[-1].append(line)
    return blocks


def _wanted_by(block: list[str]) -> set[str]:
    """Names in a block's ``# via`` comments."""
    return {match[1] for line in block if (match := _VIA.match(line))}


def _applies(block: list[str]) -> bool:
    """Whether a block's environment marker holds for the image's Python."""
    match = _REQUIREMENT.match(block[0])
    marker = match[3] if match else None
    if not marker:
        return True
    environment = {
        "python_version": PYTHON_VERSION,
        "python_full_version": f"{PYTHON_VERSION}.2",
        "sys_platform": "linux",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    return Marker(marker).evaluate(environment)


def _name(block: list[str]) -> str:
    return block[0].partition("==")[0]


def requirements_subset(lock: str, roots: frozenset[str] = DEPENDENCY_ROOTS) -> str:
    """The part of a hashed lock that ``roots`` need, without environment markers, for the image's Python."""
    blocks = [block for block in _blocks(lock) if _applies(block)]
    wanted = set(roots)
    grown = True
    while grown:
        more = {_name(block) for block in blocks if _wanted_by(block) & wanted} - wanted
        wanted |= more
        grown = bool(more)
    lines = [line for block in blocks if _name(block) in wanted for line in [_plain(block[0]), *block[1:]]]
    return "\n".join(lines) + "\n"


def _plain(line: str) -> str:
    """A requirement line without its environment marker."""
    match = _REQUIREMENT.match(line)
    return f"{match[1]}=={match[2]} \\" if match else line


def image_id(requirements: str, machine: str = platform.machine()) -> str:
    """Names the image that this recipe and these requirements make: a short content hash."""
    recipe = json.dumps([SUITE, machine, PACKAGES, sorted(FILES.items()), FINISH, requirements])
    return f"{SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def lock_file() -> Path:
    """The checkout's lock of run-time dependencies."""
    return Path(__file__).parent.parent / "requirements" / "runtime.lock"
