"""The part of a deployment that happens in the container: deploy.py look|apply|check APP DIRECTORY.

`look` prints what is there as JSON. `apply` reads a plan from standard input, carries it out and prints which units do
not hold on. `check` asks a command or a URL until the answer is right. The files switch in one step: `current` is a
link, and what runs goes on from the release before until it is restarted.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

# There when systemd is the init: sd_booted(3).
SYSTEMD = Path("/run/systemd/system")
UNITS = Path("/etc/systemd/system")
# A unit of this name of a package: ours would hide it.
PACKAGED = (Path("/usr/lib/systemd/system"), Path("/lib/systemd/system"))
OWNER = "X-Homelab-PVE-App="
LOG_LINES = 15

Json = dict[str, Any]


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    """A command, however it ends."""
    return subprocess.run(argv, capture_output=True, text=True, check=False)


# ------------------------------------------------------------- look


def look(app: str, top: Path) -> Json:
    """What is there of an application."""
    return {
        "init": Path("/proc/1/comm").read_text().strip(),
        "systemd": SYSTEMD.is_dir(),
        "release": current(top),
        "releases": sorted(path.name for path in listed(top / "releases", "[0-9a-f]*")),
        "units": {path.name: unit(path) for path in unit_files(app)},
        "environments": {f"{app}-{path.stem}.service": sha(path) for path in listed(top / "env", "*.env")},
        "started": started(top),
    }


def listed(folder: Path, pattern: str) -> list[Path]:
    """Entries of a directory, none when it is not there."""
    return sorted(folder.glob(pattern))


def current(top: Path) -> str:
    """The id of the release that is in use, or nothing."""
    with suppress(OSError):
        return (top / "current").readlink().name
    return ""


def started(top: Path) -> dict[str, str]:
    """What each unit was started from, as `apply` wrote it down."""
    try:
        found: dict[str, str] = json.loads((top / "env" / "started.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def unit_files(app: str) -> list[Path]:
    """The files of units whose names begin with the application's; those of the administrator hide a package's."""
    found = {path.name: path for folder in (*PACKAGED, UNITS) for path in listed(folder, f"{app}-*.service")}
    return [found[name] for name in sorted(found)]


def unit(path: Path) -> Json:
    """A unit's text, owner and state."""
    text = path.read_text(errors="surrogateescape")
    owners = [line.removeprefix(OWNER) for line in text.splitlines() if line.startswith(OWNER)]
    state = run("systemctl", "show", "-P", "ActiveState", path.name).stdout.strip()
    enabled = run("systemctl", "is-enabled", path.name).stdout.strip() == "enabled"
    return {"text": text, "owner": "".join(owners[:1]), "active": state or "inactive", "enabled": enabled}


def sha(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ------------------------------------------------------------- apply


def apply(app: str, top: Path, plan: Json) -> Json:
    """Carry out a plan; the units that were started and do not run, with their last words."""
    with locked(top):
        if plan["carry"]:
            unpack(top, plan["release"])
        if plan["release"]:
            switch(top, plan["release"])
        forget(top, [*plan["restart"], *plan["remove"]])
        remove(app, top, plan["remove"])
        if SYSTEMD.is_dir():
            # Also for what an interrupted deployment wrote.
            run("systemctl", "daemon-reload")
        failed = [said for verb in ("enable", "restart", "start") if (said := systemctl(verb, plan[verb]))]
        broken = settled([*plan["restart"], *plan["start"]], plan["settle"])
        running = {name: digest for name, digest in plan["started"].items() if name not in broken}
        if not failed:
            write(top / "env" / "started.json", json.dumps(running))
        prune(top, plan["keep"])
    return {"failed": failed, "broken": broken}


@contextmanager
def locked(top: Path) -> Iterator[None]:
    """One deployment of an application at a time."""
    with (top / "env" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def unpack(top: Path, release: str) -> None:
    """Unpack the archive that came over. A release has its name only when it is whole."""
    archive, place, partial = top / "release.tar", top / "releases" / release, top / "releases" / f".{release}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o755)
    partial.chmod(0o755)
    with tarfile.open(archive) as tar:
        # It is our own archive: links and modes come as they are, also with a Python that would leave some out.
        tar.extraction_filter = lambda member, _path: member
        tar.extractall(partial)  # noqa: S202
    os.sync()
    partial.rename(place)
    archive.unlink()


def switch(top: Path, release: str) -> None:
    """Let `current` lead to a release, in one step."""
    if current(top) != release:
        link = top / ".current"
        link.unlink(missing_ok=True)
        link.symlink_to(Path("releases") / release)
        link.rename(top / "current")


def forget(top: Path, units: list[str]) -> None:
    """What is about to be restarted counts as never started, should this be interrupted."""
    path = top / "env" / "started.json"
    write(path, json.dumps({name: digest for name, digest in started(top).items() if name not in units}))


def write(path: Path, text: str) -> None:
    """Replace a file as a whole, for root only."""
    fresh = path.with_name(f".{path.name}")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.rename(path)


def remove(app: str, top: Path, units: list[str]) -> None:
    """Stop units of ours and delete their files."""
    for name in units:
        run("systemctl", "disable", "--now", name)
        (UNITS / name).unlink(missing_ok=True)
        run("systemctl", "reset-failed", name)
        (top / "env" / f"{name.removeprefix(f'{app}-').removesuffix('.service')}.env").unlink(missing_ok=True)


def systemctl(verb: str, units: list[str]) -> str:
    """Do something to units; what systemd said against it."""
    done = run("systemctl", verb, *units) if units else None
    return done.stderr.strip() if done and done.returncode else ""


def settled(units: list[str], seconds: float) -> dict[str, Json]:
    """Watch units for a while after their start: the state and last words of those that do not hold on."""
    deadline = time.monotonic() + (seconds if units else 0)
    pause = 0.05
    while not (broken := [name for name in units if is_broken(name)]) and time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
    return {name: tail(name) for name in broken}


def is_broken(unit_name: str) -> bool:
    """Whether a unit failed, or waits to be started again because it did. One that ended well is not broken."""
    shown = run("systemctl", "show", "-p", "ActiveState,SubState", unit_name).stdout
    state = dict(line.split("=", 1) for line in shown.splitlines())
    return state.get("ActiveState") == "failed" or state.get("SubState", "").startswith("auto-restart")


def tail(unit_name: str) -> Json:
    """State and last log lines of a unit."""
    log = run("journalctl", "--no-pager", "--output", "cat", "--lines", str(LOG_LINES), "--unit", unit_name).stdout
    state = run("systemctl", "show", "-P", "Result", unit_name).stdout.strip()
    return {"result": state, "log": log.splitlines()}


def prune(top: Path, keep: int) -> None:
    """Delete the oldest releases, but for some, and whatever was interrupted. The one in use stays."""
    for partial in listed(top / "releases", ".*"):
        shutil.rmtree(partial, ignore_errors=True)
    others = [path for path in listed(top / "releases", "[0-9a-f]*") if path.name != current(top)]
    others.sort(key=lambda path: path.lstat().st_ctime, reverse=True)
    for path in others[max(keep - 1, 0) :]:
        shutil.rmtree(path)


# ------------------------------------------------------------- check


def check(app: str, top: Path, wish: Json) -> Json:
    """Ask until the answers are right, with a bound: what was wrong in the end, and the last lines of the units."""
    deadline = time.monotonic() + wish["seconds"]
    pause = 0.1
    while said := wrong_command(wish["command"], top / "current", deadline) or wrong_url(wish["url"], deadline):
        if time.monotonic() >= deadline:
            return {"said": said, "logs": {path.name: tail(path.name)["log"] for path in unit_files(app)}}
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)
    return {"said": "", "logs": {}}


def left(deadline: float) -> float:
    """Seconds until then, at least one."""
    return max(deadline - time.monotonic(), 1.0)


def wrong_command(command: str, place: Path, deadline: float) -> str:
    """What a command says against it, or nothing."""
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=place, capture_output=True, text=True, check=False, timeout=left(deadline)
        )
    except subprocess.TimeoutExpired:
        return f"'{command}' did not end"
    said = (done.stderr or done.stdout).strip()
    return f"'{command}' ended with {done.returncode}: {said}" if done.returncode else ""


def wrong_url(url: str, deadline: float) -> str:
    """What is wrong with the answer of a URL, or nothing."""
    if not url:
        return ""
    # It is asked from inside of the container: a proxy on the way would ask from elsewhere.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=min(left(deadline), 10.0)):
            return ""
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{url} answers: {error}"


def main(verb: str, app: str, directory: str) -> None:
    """Entry point."""
    top = Path(directory)
    verbs = {"apply": apply, "check": check}
    print(json.dumps(verbs[verb](app, top, json.load(sys.stdin)) if verb in verbs else look(app, top)))


if __name__ == "__main__":
    main(*sys.argv[1:])
