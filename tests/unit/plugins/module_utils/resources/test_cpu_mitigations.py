# Copyright: homelab.pve contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CPU flags behind the option cpu_mitigations."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.engine import encoded
from ansible_collections.homelab.pve.plugins.module_utils.resources import vm_config
from ansible_collections.homelab.pve.plugins.module_utils.resources.cpu_mitigations import FLAGS, with_mitigations
from ansible_collections.homelab.pve.plugins.module_utils.resources.guest_config import changes

OFF = "-amd-no-ssb;-amd-ssbd;-ibpb;-md-clear;-pcid;-spec-ctrl;-ssbd;-virt-ssbd"
INTEL = "+md-clear;+pcid;+spec-ctrl;+ssbd"


@pytest.mark.parametrize(
    ("options", "present", "written"),
    [
        ({"cpu_mitigations": "off"}, None, {"cpu": f"kvm64,flags={OFF}"}),
        ({"cpu_mitigations": "intel"}, "host", {"cpu": f"host,flags={INTEL}"}),
        ({"cpu_mitigations": "intel"}, f"host,flags={INTEL}", {}),
        ({"cpu_mitigations": "amd"}, f"host,flags=+aes;{INTEL}", {"cpu": "host,flags=+aes;+amd-ssbd;+ibpb;+virt-ssbd"}),
        ({"cpu_mitigations": "default"}, f"host,flags=+aes;{INTEL}", {"cpu": "host,flags=+aes"}),
        ({"cpu_mitigations": "default"}, f"host,flags={INTEL}", {"cpu": "host"}),
        ({"cpu_mitigations": "default"}, None, {}),
        ({"cpu_mitigations": "intel", "cpu": "x86-64-v3"}, "host", {"cpu": f"x86-64-v3,flags={INTEL}"}),
        (
            {"cpu_mitigations": "intel", "cpu": {"cputype": "host", "flags": ["+aes", "-pcid"]}},
            None,
            {"cpu": f"host,flags=+aes;{INTEL}"},
        ),
    ],
    ids=str,
)
def test_what_is_written(options: dict[str, Any], present: str | None, written: dict[str, str]) -> None:
    have = vm_config.CONFIG.current({} if present is None else {"cpu": present})
    made = changes(vm_config.CONFIG.wanted(options), have, renew_secrets=False)
    assert encoded(made) == written
    after = vm_config.CONFIG.current(written or ({} if present is None else {"cpu": present}))
    assert changes(vm_config.CONFIG.wanted(options), after, renew_secrets=False) == ()


@pytest.mark.parametrize("first", FLAGS)
@pytest.mark.parametrize("second", FLAGS)
def test_the_last_word_counts(first: str, second: str) -> None:
    assert with_mitigations(with_mitigations(["+aes"], first), second) == with_mitigations(["+aes"], second)
