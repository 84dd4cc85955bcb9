"""Programs that run in a container before it has Python: what they find, and what they ask its package manager for."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

FILES = Path(__file__).parents[3] / "roles" / "container_bootstrap" / "files"
# What each package manager is asked: packages that are there, an index that is reached, and an installation.
QUESTIONS = {
    "apt": {"dpkg-query": "if [ -z $4 ]; then ls installed; elif [ -f installed/$4 ]; then echo installed; fi"},
    "apk": {},
    "dnf": {"rpm": "[ $1 = -qa ] && ls installed || [ -f installed/$3 ]"},
    "zypper": {"rpm": "[ $1 = -qa ] && ls installed || [ -f installed/$3 ]"},
    "pacman": {},
}
MANAGER = {
    "apt": "apt-get",
}
ANSWERS = {
    "apt": "",
    "apk": 'case "$*" in "info -e "*) [ -f installed/$3 ]; exit ;; "info -v") ls installed; exit ;; esac',
    "dnf": "",
    "zypper": "",
    "pacman": "case $1 in -T) [ -f installed/$2 ]; exit ;; -Q) ls installed; exit ;; esac",
}
ASKED = {
    "apt": ["-qq -o APT::Update::Error-Mode=any update", "-qq -y -o DPkg::Lock::Timeout=120 install one two"],
    "apk": ["-q update", "-q add one two"],
    "dnf": ["-q -y makecache", "-q -y install one two"],
    "zypper": ["-q -n refresh", "-q -n install one two"],
    "pacman": ["-Sy", "-Su --needed --noconfirm one two"],
}
Install = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def container(tmp_path: Path) -> Path:
    """A directory whose programs stand in for package managers: they write down what they are asked."""
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / "there").touch()
    return tmp_path


@pytest.fixture
def install(container: Path) -> Install:
    """Runs install.sh with a package manager that refuses the index so many times."""

    def run(
        mode: str, manager: str, *packages: str, refusals: int = 0, timeout: int = 30
    ) -> subprocess.CompletedProcess[str]:
        name = MANAGER.get(manager, manager)
        refuse = f"echo >> tries; [ $(wc -l < tries) -gt {refusals} ] || {{ echo no route >&2; exit 1; }}"
        work = (
            f'{ANSWERS[manager]}\necho "$*" >> asked\n'
            f'case "$*" in *"update"|*makecache|*refresh|-Sy) {refuse} ;; *) touch installed/one installed/two ;; esac'
        )
        for program, text in {**QUESTIONS[manager], name: work, "pacman-key": ":"}.items():
            (container / program).write_text(f"#!/bin/sh\n{text}\n")
            (container / program).chmod(0o755)
        return subprocess.run(
            ["/bin/sh", FILES / "install.sh", mode, manager, str(timeout), *packages],
            env={"PATH": f"{container}:/usr/bin:/bin"},
            cwd=container,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def asked(container: Path) -> list[str]:
    return (container / "asked").read_text().splitlines() if (container / "asked").exists() else []


@pytest.mark.parametrize("manager", ASKED)
def test_what_is_missing_is_installed(container: Path, install: Install, manager: str) -> None:
    done = install("install", manager, "one", "there", "two")
    assert (done.returncode, done.stdout, done.stderr) == (0, "installed: one two\n", "")
    assert asked(container) == ASKED[manager]


@pytest.mark.parametrize("manager", ASKED)
def test_what_is_there_needs_no_network(container: Path, install: Install, manager: str) -> None:
    done = install("install", manager, "there")
    assert (done.returncode, done.stdout, asked(container)) == (0, "", [])


@pytest.mark.parametrize("manager", ASKED)
def test_a_look_installs_nothing(container: Path, install: Install, manager: str) -> None:
    done = install("look", manager, "one", "there")
    assert (done.returncode, done.stdout, asked(container)) == (0, "missing: one\n", [])


def test_the_network_is_waited_for(container: Path, install: Install) -> None:
    done = install("install", "apk", "one", "two", refusals=1)
    assert (done.returncode, asked(container)) == (0, ["-q update", *ASKED["apk"]])


def test_a_network_that_never_comes(install: Install) -> None:
    done = install("install", "dnf", "one", refusals=99, timeout=0)
    assert (done.returncode, done.stderr) == (
        1,
        "Cannot install one: the package index was not reached within 0 s. Give the container a route and a DNS server "
        "(container options net0 and nameserver), or install these packages by hand. dnf said:\nno route\n",
    )


def look(*arguments: str, path: str = "/usr/bin:/bin") -> dict[str, str]:
    """What look.sh finds on this machine."""
    command = ["/bin/sh", str(FILES / "look.sh"), *arguments]
    done = subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def test_what_a_machine_has() -> None:
    found = look("root", "C.UTF-8", "UTC")
    assert {name: found[name] for name in ("manager", "user", "home", "locale", "zone")} == {
        "manager": "apt",
        "user": "yes",
        "home": "/root",
        "locale": "yes",
        "zone": "yes",
    }


def test_what_a_machine_lacks() -> None:
    found = look("no-such-user", "xx_XX.UTF-8", "Nowhere/Town")
    assert [found[name] for name in ("user", "home", "locale", "zone")] == ["no", "", "no", "no"]
