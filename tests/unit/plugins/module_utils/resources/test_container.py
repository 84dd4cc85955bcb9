"""What a new container is made of."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError
from ansible_collections.homelab.pve.plugins.module_utils.resources.container import ingredients

from .reading import Table

VOLUME = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
WISH: dict[str, Any] = {"hostname": "web", "ostemplate": VOLUME, "rootfs": "local-lvm:8"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrS0GGkHWb1nVIeFZZ0GkVbPQnZgVw6CeOqTLnX4Xyz a b@c"


ANSWERS: dict[str, Any] = {
    "/nodes/father/storage": [{"storage": "local"}],
    "/nodes/father/storage/local/content": [{"volid": VOLUME}],
    "/nodes/father/aplinfo": [{"template": "alpine-3.22-default_20250617_amd64.tar.xz"}],
}


def test_what_is_not_said_is_said_for_both_versions_of_proxmox_ve() -> None:
    found = ingredients(Table(ANSWERS), WISH, "father")
    assert {name: value for name, value in found.params.items() if value is not None} == {
        "ostemplate": VOLUME,
        "unprivileged": True,
    }
    assert found.steps == ()
    assert "unprivileged" not in ingredients(Table(ANSWERS), {**WISH, "unprivileged": False}, "father").params


def test_keys_and_a_template_that_is_fetched() -> None:
    wish = {
        **WISH,
        "ostemplate": "alpine-3.22-default",
        "template_storage": "local",
        "ssh_public_keys": [f"{KEY}\n", KEY],
    }
    found = ingredients(Table(ANSWERS), wish, "father")
    assert found.params["ssh-public-keys"] == f"{KEY}\n{KEY}"
    assert found.params["ostemplate"] == "local:vztmpl/alpine-3.22-default_20250617_amd64.tar.xz"
    assert [(step.verb, step.path) for step in found.steps] == [("POST", "/nodes/father/aplinfo")]


@pytest.mark.parametrize("line", ["garbage", "-----BEGIN OPENSSH PRIVATE KEY-----", "ssh-ed25519", ""])
def test_what_is_no_public_key_is_not_repeated(line: str) -> None:
    with pytest.raises(ConfigError) as raised:
        ingredients(Table(ANSWERS), {**WISH, "ssh_public_keys": [KEY, line]}, "father")
    assert str(raised.value) == (
        "Option 'ssh_public_keys': entry 2 is no public key. Give the content of a file such as id_ed25519.pub, "
        "one key an entry."
    )


@pytest.mark.parametrize(
    "line",
    [KEY, "ssh-rsa AAAAB3NzaC1yc2E= x", 'command="ls" ssh-ed25519 AAAA', "sk-ssh-ed25519@openssh.com AAAA",
     "ecdsa-sha2-nistp256 AAAA+/="],
)  # fmt: skip
def test_public_keys(line: str) -> None:
    assert ingredients(Table(ANSWERS), {**WISH, "ssh_public_keys": [line]}, "father").params["ssh-public-keys"] == line
