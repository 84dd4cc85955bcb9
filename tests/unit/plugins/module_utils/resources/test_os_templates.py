"""Which template a name means."""

from __future__ import annotations

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.resources.os_templates import newest

VOLUMES = [
    "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst",
    "nas:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst",
    "local:vztmpl/debian-12-turnkey_18.0_amd64.tar.gz",
    "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst",
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("debian-12-standard", VOLUMES[1]),
        ("debian-12-standard_12.7-1_amd64.tar.zst", VOLUMES[0]),
        ("debian-*-standard_*", VOLUMES[3]),
        ("*turnkey*", VOLUMES[2]),
        ("debian-12", None),
        ("alpine", None),
    ],
)
def test_the_newest_of_a_name(wanted: str, found: str | None) -> None:
    assert newest(VOLUMES, wanted) == found
