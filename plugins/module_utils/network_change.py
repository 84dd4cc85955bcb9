# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that runs on a node: a change of its network undoes itself unless it is confirmed.

``apply SECONDS FILES BRIDGE MAC`` checks FILES (base64 of JSON: text by path) with ifupdown2. Then a process of its own
puts them in place, applies them, pins the MAC address of BRIDGE, and takes it all back unless ``confirm`` is called
within SECONDS by a controller that reached the node again. ``confirm`` fails when it was taken back already.

``arm SECONDS`` does the same for a change that somebody else applies, Proxmox VE's API for one: it remembers the files
as they are. ``back`` takes an armed change back at once. ``state`` prints ``none``, ``armed``,
``confirmed``, ``going back`` or ``back``.

It is handed over as text (``python3 -c``), so it imports nothing but Python's own.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

STATE = Path("/run/homelab-pve-network")
APPLIED, CONFIRMED, ROLLED_BACK, LOG = (STATE / name for name in ("applied", "confirmed", "rolled-back", "log"))
GIVEN_UP, RESTORED = STATE / "given-up", STATE / "restored"
MARKS = (APPLIED, CONFIRMED, ROLLED_BACK, GIVEN_UP, RESTORED, LOG)
NETWORK = Path("/etc/network")
RESOLVER = Path("/etc/resolv.conf")
POLL = 0.2
PATIENCE = 60.0
"""Seconds ifupdown2 may take to bring the files of before back."""


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL)
    return True


def check(files: Mapping[str, str]) -> None:
    """End with ifupdown2's complaint when it can't read a file."""
    for path, text in files.items():
        staged = STATE / path.strip("/").replace("/", "_")
        staged.write_text(text, encoding="utf-8")
        command = ["ifup", "--syntax-check", "--all", "--interfaces", str(staged)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"ifupdown2 refuses the new {path}, nothing is changed: {done.stderr.strip()}")


def put(files: Mapping[str, str]) -> bool:
    """Write the files and apply them; whether ifupdown2 did."""
    for path, text in files.items():
        Path(path).write_text(text, encoding="utf-8")
    done = subprocess.run(["ifreload", "--all"], capture_output=True, text=True, check=False)
    with LOG.open("a", encoding="utf-8") as log:
        log.write(done.stdout + done.stderr)
    return done.returncode == 0


def keep_dns(before: str) -> None:
    """Restore the resolver's file when the change, or a lease that went, emptied it."""
    if "nameserver" not in RESOLVER.read_text(encoding="utf-8"):
        RESOLVER.write_text(before, encoding="utf-8")


def claim(mark: Path) -> bool:
    """Decide what becomes of the applied change; false when that is decided already. Only one side can win."""
    try:
        APPLIED.rename(mark)
    except FileNotFoundError:
        return False
    return True


def pin_address(bridge: str, mac: str) -> None:
    """Keep the bridge's MAC address whatever is plugged into it later.

    A bridge takes the lowest address of its ports until one is set. ifupdown2 sets the ``hwaddress`` of the stanza only
    when the bridge has another one, so here, where it has it from its port already, it would stay unset until a reboot.
    """
    subprocess.run(["ip", "link", "set", "dev", bridge, "address", mac], capture_output=True, check=False)


def change(files: Mapping[str, str], seconds: float, bridge: str, mac: str) -> None:
    """Put the files in place, and back unless that is confirmed."""
    before = {path: Path(path).read_text(encoding="utf-8") for path in files if Path(path).exists()}
    resolver = RESOLVER.read_text(encoding="utf-8")
    applied = put(files)
    keep_dns(resolver)
    if applied:
        pin_address(bridge, mac)
        APPLIED.touch()
        if wait_for(CONFIRMED.exists, seconds) or not claim(ROLLED_BACK):
            return
    put(before)
    keep_dns(resolver)
    ROLLED_BACK.touch()


def detached(work: Callable[[], None]) -> None:
    """Do it in a process that outlives this one and holds none of its file descriptors, so that nobody waits for it."""
    if os.fork():
        return
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    try:
        work()
    finally:
        os._exit(0)


def watched() -> dict[str, str]:
    """The files a change may touch: what is applied, what waits (``interfaces.new``), and what they include."""
    paths = [NETWORK / "interfaces", NETWORK / "interfaces.new", *sorted((NETWORK / "interfaces.d").glob("*"))]
    return {str(path): path.read_text(encoding="utf-8") for path in paths if path.is_file()}


def guard(before: Mapping[str, str], seconds: float) -> None:
    """Take back what somebody else applies, unless that is confirmed."""
    wait_for(lambda: CONFIRMED.exists() or GIVEN_UP.exists(), seconds)
    if CONFIRMED.exists() or not claim(ROLLED_BACK):
        return
    for path in watched().keys() - before.keys():
        Path(path).unlink()
    put(before)
    RESTORED.touch()


def begin() -> TextIO:
    """Forget an earlier change. The lock is held until a change is decided: one that an earlier run left open first."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    lock = (STATE / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    for mark in MARKS:
        mark.unlink(missing_ok=True)
    return lock


def arm(seconds: str) -> None:
    """From now on, the files as they are come back unless that is confirmed in time."""
    lock = begin()
    before = watched()
    APPLIED.touch()
    detached(lambda: guard(before, float(seconds)))
    lock.close()


def back() -> None:
    """Have an armed change taken back now, and wait until it is."""
    GIVEN_UP.touch()
    wait_for(lambda: RESTORED.exists() or CONFIRMED.exists(), PATIENCE)


def forget() -> None:
    """Wait until a change is decided, and know nothing of it any more."""
    begin().close()


def state() -> None:
    """Print what became of the change."""
    marks = {"confirmed": CONFIRMED, "back": RESTORED, "going back": ROLLED_BACK, "armed": APPLIED}
    sys.stdout.write(next((word for word, mark in marks.items() if mark.exists()), "none"))


def apply(seconds: str, encoded: str, bridge: str, mac: str) -> None:
    """Check the files, start the change, and wait until it is applied or taken back."""
    files = json.loads(base64.b64decode(encoded))
    lock = begin()
    check(files)
    detached(lambda: change(files, float(seconds), bridge, mac))
    wait_for(lambda: APPLIED.exists() or ROLLED_BACK.exists(), float(seconds))
    lock.close()


def confirm() -> None:
    """Keep the change; fails when it was taken back."""
    if not claim(CONFIRMED):
        said = LOG.read_text(encoding="utf-8").strip() if LOG.exists() else ""
        raise SystemExit(f"The change was taken back, nothing is changed. ifreload said: {said or 'nothing'}")


ACTIONS: Mapping[str, Callable[..., None]] = {
    "apply": apply, "arm": arm, "back": back, "confirm": confirm, "forget": forget, "state": state
}  # fmt: skip

if __name__ == "__main__":
    action, *arguments = sys.argv[1:]
    ACTIONS[action](*arguments)
