"""A container's volumes: what a wish means, what it needs to be done, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import Step
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, RefusedError
from ansible_collections.homelab.pve.plugins.module_utils.resources.mounts import CODEC, compare, deletion, wanted
from ansible_collections.homelab.pve.plugins.module_utils.resources.volumes import VolumeChange

CT = "container 200 (web)"
HELD = "local-lvm:vm-200-disk-0"


def planned(key: str, value: object, have: str | None, **params: Any) -> VolumeChange | None:
    given = {"rootfs": value} if key == "rootfs" else {"mp": {key: value}}
    found = wanted({**given, **params})
    return compare(CT, key, found[key], CODEC.decode(have) if have else None)


@pytest.mark.parametrize(
    ("value", "params", "written"),
    [
        ("local-lvm:8", {}, "local-lvm:8"),
        ({"storage": "local-lvm", "size": "512M"}, {}, "local-lvm:0.5"),
        ({"storage": "local-lvm", "size": "100M"}, {}, "local-lvm:0.09765625"),
        ({"size": "8G"}, {"storage": "local-lvm"}, "local-lvm:8"),
        ("8", {"storage": "local-lvm"}, "local-lvm:8"),
        (8, {"storage": "local-lvm"}, "local-lvm:8"),
        ("2T", {"storage": "local-lvm"}, "local-lvm:2048"),
        ("local-lvm:8,ro=1", {"storage": "other"}, "local-lvm:8,ro=1"),
        ({"volume": HELD, "mountoptions": ["nodev", "discard"]}, {}, f"{HELD},mountoptions=discard;nodev"),
    ],
)
def test_a_new_root_file_system(value: object, params: dict[str, str], written: str) -> None:
    change = planned("rootfs", value, None, **params)
    assert change is not None
    assert change.change is not None
    assert CODEC.encode(change.change.after) == written
    assert not change.waits


@pytest.mark.parametrize("value", [{"storage": "local-lvm", "size": "1G", "mp": "/a"}, "local-lvm:1,mp=/a"])
def test_a_new_mount_point(value: object) -> None:
    change = planned("mp3", value, None)
    assert change is not None
    assert (change.after, change.before, change.waits) == ("local-lvm:1,mp=/a", None, False)


@pytest.mark.parametrize(
    ("value", "have"),
    [
        ({"size": "8G"}, f"{HELD},size=8G"),
        ({"size": "8192M", "storage": "local-lvm"}, f"{HELD},size=8G"),
        ({"ro": False, "replicate": True}, f"{HELD},size=8G"),
        ({"volume": HELD}, f"{HELD},size=8G"),
        ("", None),
    ],
)
def test_nothing_to_do(value: object, have: str | None) -> None:
    assert planned("mp0", value, have, storage="elsewhere") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"size": "16G"}, {"size": "16G", "move_to": None, "waits": False}),
        ({"storage": "other"}, {"size": None, "move_to": "other", "waits": False}),
        ({"ro": True}, {"size": None, "move_to": None, "waits": True}),
        ({"ro": True, "size": "16G"}, {"size": "16G", "move_to": None, "waits": True}),
        ("", {"size": None, "move_to": None, "waits": True}),
    ],
)
def test_changes(value: object, expected: dict[str, object]) -> None:
    change = planned("mp0", value, f"{HELD},mp=/a,size=8G")
    assert change is not None
    assert {name: getattr(change, name) for name in expected} == expected


def test_what_is_written_again_has_the_size_the_volume_was_grown_to() -> None:
    change = planned("mp0", {"ro": True, "size": "16G"}, f"{HELD},mp=/a,size=8G")
    assert change is not None
    assert change.change is not None
    assert CODEC.encode(change.change.after) == f"{HELD},mp=/a,ro=1,size=16G"


@pytest.mark.parametrize(
    ("key", "value", "have", "error", "message"),
    [
        ("rootfs", {}, f"{HELD},size=8G", ConfigError,
         f"Option 'rootfs': {CT} can't be without its root file system. Leave the option out."),
        ("mp0", {"ro": True}, None, ConfigError,
         f"Option 'mp': mp0: mp0 does not exist on {CT} yet. Give storage and size to make it, or volume to use one "
         "that exists."),
        ("mp0", "local-lvm:1", None, ConfigError,
         f"Option 'mp': mp0: the new mp0 of {CT} needs mp, its path in the container."),
        ("mp0", {"size": "4G"}, f"{HELD},size=8G", RefusedError,
         f"Cannot shrink mp0 of {CT} from 8G to 4G: Proxmox VE only grows volumes. Set size to 8G or more, or recreate "
         "the volume."),
        ("mp0", "other:vm-200-disk-7,mp=/a", f"{HELD},size=8G", RefusedError,
         f"Cannot replace mp0 of {CT}: it holds {HELD}. Detach that first (mp0: '' in the option mp), or use another "
         "mount point."),
        ("mp0", {"size": "4G"}, "/srv,mp=/a", RefusedError,
         f"Cannot give mp0 of {CT} a size or storage: it is /srv of the host, not a volume. Detach that first "
         "(mp0: '' in the option mp), or use another mount point."),
    ],
)  # fmt: skip
def test_refusals(key: str, value: object, have: str | None, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        planned(key, value, have)
    assert str(raised.value) == message


def test_the_directory_of_a_bind_mount_is_changed_in_place() -> None:
    change = planned("mp0", {"volume": "/srv/new"}, "/srv/old,mp=/a")
    assert change is not None
    assert change.after == "/srv/new,mp=/a"


def deleting(*keys: str) -> Step:
    """The step that deletes volumes which were at these keys, ``local-lvm:KEY`` each."""
    held = {key: f"local-lvm:{key},mp=/a" if key.startswith("mp") else f"local-lvm:{key}" for key in keys}
    found = (planned(key, "absent", volume) for key, volume in held.items())
    return deletion([change for change in found if change], "/nodes/father/lxc/200/config", "delete them")


@pytest.mark.parametrize(
    ("keys", "config", "deleted"),
    [
        (["mp0"], {"unused0": "local-lvm:mp0"}, "unused0"),
        (["mp1"], {"unused0": "local-lvm:mp0", "unused1": "local-lvm:mp1", "mp2": "local-lvm:mp2,mp=/b"}, "unused1"),
        (["mp0", "unused3"], {"unused0": "local-lvm:mp0", "unused3": "local-lvm:unused3"}, "unused0,unused3"),
        (["unused3"], {"unused0": "local-lvm:unused3", "unused3": "local-lvm:other"}, "unused0"),
    ],
)
def test_what_is_deleted_is_looked_up_by_its_id(keys: list[str], config: dict[str, str], deleted: str) -> None:
    step = deleting(*keys)
    assert step.late is not None
    assert step.late({**config, "digest": "d2"}) == {"delete": deleted, "digest": "d2"}


def test_what_somebody_attached_again_is_not_deleted() -> None:
    step = deleting("mp0", "mp1")
    assert step.late is not None
    with pytest.raises(RefusedError) as raised:
        step.late({"mp7": "local-lvm:mp0,mp=/a", "unused0": "local-lvm:mp1"})
    assert str(raised.value) == (
        "local-lvm:mp0 is not detached any more: somebody else has changed the container meanwhile. "
        "Nothing was deleted. Look at its volumes, and run again."
    )


def test_of_a_bind_mount_nothing_is_deleted() -> None:
    change = planned("mp0", "absent", "/srv,mp=/a")
    assert change is not None
    assert (change.delete, change.change is not None) == (False, True)


def test_detaching_beside_deleting_is_refused() -> None:
    with pytest.raises(ConfigError) as raised:
        wanted({"mp": {"mp1": "", "unused0": "absent"}})
    assert str(raised.value) == (
        "Option 'mp': mp1 is to be detached and unused0 to be deleted: what is detached may become unused0, and a "
        "second run would delete it. Use a task for each."
    )
