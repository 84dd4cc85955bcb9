"""What arrives from a running command: all of it, or its end, without the noise before."""

from __future__ import annotations

from itertools import pairwise

import pytest
from ansible_collections.homelab.pve.plugins.module_utils.command_output import KEPT, Output
from hypothesis import given
from hypothesis import strategies as st

MARKER = b"5eed "


def arrived(output: Output, data: bytes, cuts: list[int]) -> Output:
    """Hand data over in pieces."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    for start, end in pairwise(places):
        output.add(data[start:end])
    output.end()
    return output


CUTS = st.lists(st.integers(0, 10_000))


@given(noise=st.binary().filter(lambda data: MARKER not in data), data=st.binary(), cuts=CUTS)
def test_noise_before_the_marker_is_left_out(noise: bytes, data: bytes, cuts: list[int]) -> None:
    output = arrived(Output("stdout", marker=MARKER), noise + MARKER + b"4711\n" + data, cuts)
    assert (output.text().encode("utf-8", "surrogateescape"), output.pid) == (data, "4711")


@given(data=st.binary().filter(lambda data: MARKER not in data), cuts=CUTS)
def test_without_a_marker_everything_is_output(data: bytes, cuts: list[int]) -> None:
    output = arrived(Output("stdout", marker=MARKER), data, cuts)
    assert (output.text().encode("utf-8", "surrogateescape"), output.pid) == (data, "")


@given(text=st.text(), cuts=CUTS)
def test_a_listener_gets_whole_characters(text: str, cuts: list[int]) -> None:
    heard: list[tuple[str, str]] = []
    arrived(Output("stderr", lambda stream, part: heard.append((stream, part))), text.encode(), cuts)
    assert "".join(part for _, part in heard) == text
    assert {stream for stream, _ in heard} <= {"stderr"}


@pytest.mark.parametrize("size", [1, 1000, KEPT - 1, KEPT, 3 * KEPT])
def test_only_the_end_is_kept_when_somebody_listens(size: int) -> None:
    output = Output("stdout", lambda _stream, _text: None)
    for number in range(5 * KEPT // size + 1):
        output.add(bytes([number % 128]) * size)
    kept = output.text()
    assert KEPT <= len(kept) < KEPT + size
    assert kept.endswith(chr(number % 128) * size)
