# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container gets users and services with nothing inside of it but pct: prepared, deployed to, changed, broken."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lab import control, father

from .conftest import Stand, until
from .driver_process import REPOSITORY, Result
from .lab_driver import drive

pytestmark = pytest.mark.lab
VMID, NAME, ADDRESS = 340, "software", "10.99.0.71"
TEMPLATE = "debian-13-standard_13.1-2_amd64.tar.zst"
CREATE = (
    f"pveam download local {TEMPLATE} && pct create {VMID} local:vztmpl/{TEMPLATE} --hostname {NAME}"
    f" --rootfs local-lvm:2 --net0 name=eth0,bridge=vmbr0,ip={ADDRESS}/24 --entrypoint /lib/systemd/systemd"
)
SECRET = 'pa$$ "word" 100%'
# Answers with the word of the release, a value of the service file and one of the environment file.
SERVER = """\
import http.server, os, pathlib
WORDS = [pathlib.Path("word").read_text(), os.environ["PLACE"], os.environ["SECRET"], str(os.getuid())]
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write("|".join(WORDS).encode())
http.server.HTTPServer(("127.0.0.1", 8080), Answer).serve_forever()
"""
PLACE = "a 'quoted' place, 50% $HOME"
SERVICES: dict[str, dict[str, object]] = {
    "web": {
        "command": "python3 serve.py",
        "user": "daemon",
        "restart": "always",
        "environment": {"PLACE": PLACE.replace("$", "$$")},
        "depends_on": ["helper"],
    },
    "helper": {"command": ["sh", "-c", "exec sleep 1000"], "restart": "unless-stopped"},
}


@dataclass
class Shop:
    """An application on the controller, and its container."""

    stand: Stand
    folder: Path

    @property
    def source(self) -> Path:
        return self.folder / "shop"

    def write(self, word: str, services: object) -> None:
        """Its files, with a word of their own, and what runs."""
        self.source.mkdir(exist_ok=True)
        (self.source / "serve.py").write_text(SERVER)
        (self.source / "word").write_text(word)
        (self.folder / "services.yml").write_text(yaml.safe_dump({"services": services}))
        (self.folder / "secrets.env").write_text(f"SECRET='{SECRET}'\n")

    def options(self) -> dict[str, str]:
        """What the driver and the playbook are told alike."""
        return {"service": f"{self.folder}/services.yml", "env": f"{self.folder}/secrets.env"}

    def deploy(self, source: str, **options: str) -> Result:
        """Deploy by the driver."""
        given = {"source": source, "app": "shop", **self.options(), **options}
        words = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]
        return driven("deploy", *words)

    def inside(self, command: str) -> str:
        """What a command says in the container."""
        return self.stand.ssh("father", f"pct exec {VMID} -- sh -c '{command}'").strip()

    def answer(self) -> list[str]:
        """What the service answers."""
        fetch = 'import urllib.request as r; print(r.urlopen("http://127.0.0.1:8080").read().decode())'
        return self.stand.ssh("father", f"pct exec {VMID} -- python3 -c '{fetch}'").strip().split("|")

    def pids(self) -> list[str]:
        """The processes of its services."""
        return self.inside("systemctl show -P MainPID shop-web shop-helper").split()


def driven(verb: str, *options: str) -> Result:
    """Run a verb on the container by the driver."""
    return drive("container", verb, NAME, "--host", "father", "--json-output", *options)


def message(result: Result) -> str:
    """Why a verb failed, on one line."""
    (phase,) = result.document["phases"]
    assert phase["status"] == "failed"
    return " ".join(phase["message"].split())


@pytest.fixture(scope="module")
def shop(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A container that does not run yet, and an application for it."""
    stand.ssh("father", CREATE)
    made = Shop(stand, tmp_path_factory.mktemp("shop"))
    made.write("one", SERVICES)
    return made


def play(*options: str, **variables: str) -> str:
    """Prepare and deploy in one run of ansible-playbook; its output."""
    given = [word for name, value in variables.items() for word in ("-e", f"container_{name}={value}")]
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        "playbooks/container-bootstrap.yml",
        "playbooks/container-deploy.yml",
        *options,
        *given,
    ]
    done = subprocess.run(control.inside(command), cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def changed(output: str) -> int:
    """How many tasks changed something."""
    return sum(int(number) for number in re.findall(r"changed=(\d+)", output))


def both(shop: Shop) -> dict[str, str]:
    """What a play is told that prepares and deploys."""
    given = {"name": NAME, "user": "anna", "timezone": "Europe/Vienna", "locale": "C.UTF-8", "app": "shop"}
    return {**given, **shop.options(), "source": str(shop.source), "check_url": "http://127.0.0.1:8080"}


def test_a_container_that_does_not_run_is_refused(shop: Shop) -> None:
    said = message(driven("bootstrap"))
    assert f"The container {NAME} ({VMID}) on node father is stopped. Start it ('pct start {VMID}' there)" in said
    assert "or let this start it: container_start=true (--start)." in said


def test_a_user_logs_in_once_it_is_prepared(shop: Shop) -> None:
    done = driven("bootstrap", "--start", "--user", "anna", "--timezone", "Europe/Vienna", "--locale", "C.UTF-8")
    assert done.code == 0, done.err
    (phase,) = done.document["phases"]
    assert phase["changed"] >= 7
    # The key that was told is the one that is met.
    known = shop.folder / "known_hosts"
    known.write_text("".join(f"{ADDRESS} {key}\n" for key in phase["outputs"]["container_host_keys"]))
    options = ["-i", str(father.ssh_key(shop.stand.status.state_dir)), "-o", f"UserKnownHostsFile={known}"]
    command = ["ssh", *options, "-o", "BatchMode=yes", f"anna@{ADDRESS}", "whoami; sudo -n whoami; date +%Z"]
    login = subprocess.run(control.inside(command), capture_output=True, text=True, check=False)
    assert login.stdout.split()[:2] == ["anna", "root"], login.stderr
    assert login.stdout.split()[2] in {"CET", "CEST"}
    assert shop.inside("systemctl is-active ssh") == "active"
    assert len(phase["outputs"]["container_fingerprints"]) == len(known.read_text().splitlines())


def test_check_mode_tells_and_changes_nothing(shop: Shop) -> None:
    output = play("--check", "--diff", **{**both(shop), "user": "bob", "timezone": "UTC"})
    assert changed(output) >= 7
    assert "+ExecStart=python3 serve.py" in output
    assert '"shop-web.service is started"' in output
    assert SECRET not in output
    left = "ls -d /opt/shop /home/bob /etc/systemd/system/shop-* 2>/dev/null; readlink /etc/localtime"
    assert shop.inside(left) == "/usr/share/zoneinfo/Europe/Vienna"


def test_services_run_from_a_directory(shop: Shop) -> None:
    done = shop.deploy(str(shop.source), check_url="http://127.0.0.1:8080", wait_timeout="20")
    assert done.code == 0, done.err
    assert shop.answer() == ["one", PLACE, SECRET, "1"]
    assert SECRET not in done.out + done.err
    assert shop.inside("stat -c %a /opt/shop/env /opt/shop/env/web.env").split() == ["700", "600"]
    assert shop.inside("systemctl is-enabled shop-web shop-helper").split() == ["enabled"] * 2


def test_a_second_time_nothing_changes_and_nothing_restarts(shop: Shop) -> None:
    before = shop.pids()
    assert changed(output := play(**both(shop))) == 0, output
    assert shop.pids() == before


def test_a_service_that_breaks_says_why_and_the_release_before_is_kept(shop: Shop) -> None:
    before = shop.inside("readlink /opt/shop/current")
    (shop.source / "serve.py").write_text("raise SystemExit('out of apples')\n")
    said = message(shop.deploy(str(shop.source)))
    assert "shop-web.service ended (exit-code). Its last lines:" in said
    assert "out of apples" in said
    assert f"The release before it is kept: /opt/shop/{before}" in said
    assert shop.inside(f"cat /opt/shop/{before}/word") == "one"


def test_what_changed_is_restarted_and_what_is_gone_is_removed(shop: Shop) -> None:
    repository = shop.folder / "repository"
    shop.write("two", {"web": {**SERVICES["web"], "depends_on": []}})
    shutil.copytree(shop.source, repository)
    git = ["git", "-C", str(repository), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "two"], ["tag", "v2"]):
        subprocess.run([*git, *words], check=True)
    done = shop.deploy(f"file://{repository}", ref="v2", check_command="systemctl is-active shop-web")
    assert done.code == 0, done.err
    until(lambda: shop.answer()[0] == "two", "the new release's answer")
    assert shop.inside("ls /etc/systemd/system | grep ^shop; ls -A /opt/shop/current").split() == [
        "shop-web.service",
        "serve.py",
        "word",
    ]
    assert shop.inside("systemctl is-active shop-helper || true") == "inactive"
