"""What the official API takes for objects of the software defined network, for comparisons with our options."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

SCHEMA = Path(__file__).resolve().parents[6] / "shared" / "pve-api" / "pve-9.1.json.gz"

needs_schema = pytest.mark.skipif(not SCHEMA.is_file(), reason="the official API schema (../shared) is not here")


def parameters(method: str, path: str) -> set[str]:
    """Names of a call's parameters, without those of the lock and of the edit itself."""
    schema = json.loads(gzip.decompress(SCHEMA.read_bytes()))
    return set(schema[path][method]["parameters"]) - {"lock-token", "digest", "delete"}
