"""Calendar events. Pure."""

from __future__ import annotations

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.errors import ConfigError, PveError
from ansible_collections.homelab.pve.plugins.module_utils.resources.calendar import ANALYSIS, check_schedule

from .reading import Table

SAID = "invalid format - invalid calendar event 'x' - unable to parse calendar event at 'x'"


def test_a_calendar_event_is_taken() -> None:
    read = Table({ANALYSIS: []})
    check_schedule(read, "*/5")
    assert read.asked == [ANALYSIS]


def test_anything_else_is_refused_in_proxmox_words() -> None:
    refusal = PveError("GET", ANALYSIS, 400, "Parameter verification failed.", errors={"schedule": SAID})
    with pytest.raises(ConfigError) as caught:
        check_schedule(Table({ANALYSIS: refusal}), "x")
    assert str(caught.value) == (
        "Option 'schedule': 'x' is no calendar event such as 'mon..fri 02:30' or '*/15': invalid calendar event 'x' - "
        "unable to parse calendar event at 'x'"
    )


def test_another_error_is_no_verdict() -> None:
    with pytest.raises(PveError, match="no quorum"):
        check_schedule(Table({ANALYSIS: PveError("GET", ANALYSIS, 500, "no quorum")}), "x")
