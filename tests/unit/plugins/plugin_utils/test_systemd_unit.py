"""Units of systemd: their text, and that systemd reads back what was meant."""

from __future__ import annotations

import re

import pytest
from ansible_collections.homelab.pve.plugins.plugin_utils.service_file import Service
from ansible_collections.homelab.pve.plugins.plugin_utils.systemd_unit import environment_text, unit, word
from hypothesis import given
from hypothesis import strategies as st

UNIT = """\
[Unit]
Description=shop: web
X-Homelab-PVE-App=shop
After=network.target shop-db.service
Wants=shop-db.service
StartLimitIntervalSec=0

[Service]
Type=exec
WorkingDirectory=/opt/shop/current/www
EnvironmentFile=/opt/shop/env/web.env
User=www-data
ExecStart=/opt/shop/current/www/run --port 80 "a b" "100%%" "$$HOME"
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
"""


def test_a_unit() -> None:
    command = ("./run", "--port", "80", "a b", "100%", "$HOME")
    service = Service("web", command, "www", {"A": "secret"}, (), "www-data", "unless-stopped", ("db",))
    assert unit(service, "shop", "/opt/shop") == UNIT


def test_a_unit_that_runs_once() -> None:
    lines = unit(Service("job", ("python3", "job.py")), "shop", "/srv/shop").splitlines()
    assert "ExecStart=python3 job.py" in lines
    assert "WorkingDirectory=/srv/shop/current" in lines
    assert "Restart=no" in lines
    assert not [line for line in lines if line.startswith(("User=", "Wants=", "RestartSec="))]


@pytest.mark.parametrize(
    ("directory", "place"),
    [("/var/www", "/var/www"), ("a/../b", "/opt/shop/current/b"), ("100%", "/opt/shop/current/100%%")],
)
def test_where_a_service_works(directory: str, place: str) -> None:
    assert f"WorkingDirectory={place}\n" in unit(Service("web", ("run",), directory), "shop", "/opt/shop")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", '""'),
        ("plain-1.0/x:y=z", "plain-1.0/x:y=z"),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("a\nb\tc\x01", '"a\\nb\\tc\\x01"'),
        (";", '";"'),
        ("ünï", '"ünï"'),
    ],
)
def test_words(text: str, written: str) -> None:
    assert word(text) == written


def read_back(written: str) -> str:
    """A quoted word as systemd reads it: C escapes, then %% and $$."""
    inner = written[1:-1] if written.startswith('"') else written
    escapes = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
    text = re.sub(
        r"\\(x([0-9a-f]{2})|.)", lambda match: chr(int(match[2], 16)) if match[2] else escapes[match[1]], inner
    )
    return text.replace("%%", "%").replace("$$", "$")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_every_word_is_read_back(text: str) -> None:
    written = word(text)
    assert "\n" not in written
    assert read_back(written) == text


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,5}", fullmatch=True), st.text(st.characters(codec="utf-8"))))
def test_every_environment_is_read_back(values: dict[str, str]) -> None:
    found = re.findall(r'^([A-Z_]+)="((?:[^"\\]|\\.)*)"\n', environment_text(values), re.MULTILINE | re.DOTALL)
    assert {name: re.sub(r'\\(["\\`$])', r"\1", value) for name, value in found} == values
