"""A TCP stream is cut into the messages that it is made of, however it arrives."""

import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.dns.framing import Frames, framed

MESSAGE = bytes(range(40, 52))


def taken(frames: Frames) -> list[bytes]:
    """Return every message that can be taken now."""
    found = []
    while (message := frames.next()) is not None:
        found.append(message)
    return found


@given(
    messages=st.lists(st.binary(min_size=12, max_size=300), max_size=8),
    cuts=st.lists(st.integers(min_value=0, max_value=2500), max_size=20),
)
def test_any_cutting_of_the_stream_gives_the_same_messages(
    messages: list[bytes], cuts: list[int]
) -> None:
    """RFC 7766, 8: a length may arrive apart from its message (T-04)."""
    stream = b"".join(map(framed, messages))
    edges = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    frames = Frames()
    found = []

    for start, end in itertools.pairwise(edges):
        frames.feed(stream[start:end])
        found += taken(frames)

    assert found == messages
    assert not frames.unfinished()


@pytest.mark.parametrize("size", [0, 1, 11])
def test_a_length_below_that_of_a_header_breaks_the_stream_for_good(size: int) -> None:
    """T-01; what stands before it is still taken."""
    frames = Frames()

    frames.feed(framed(MESSAGE) + struct.pack(">H", size) + framed(MESSAGE))

    assert taken(frames) == [MESSAGE]
    assert frames.broken


def test_the_largest_message_is_taken_whole() -> None:
    """RFC 1035, 4.2.2: two octets of length."""
    frames = Frames()
    largest = bytes(65535)

    frames.feed(b"\xff\xff" + largest[:-1])
    before_the_last_octet = frames.next()
    frames.feed(largest[-1:])

    assert before_the_last_octet is None
    assert frames.next() == largest


def test_a_begun_message_is_known_from_its_first_octet() -> None:
    """T-02: its deadline begins there."""
    frames = Frames()

    frames.feed(framed(MESSAGE) + b"\0")

    assert taken(frames) == [MESSAGE]
    assert frames.unfinished()


def test_what_is_forgotten_does_not_come_back() -> None:
    """After the last reply, what was pipelined behind it is dropped."""
    frames = Frames()
    frames.feed(framed(MESSAGE) * 3)
    frames.next()

    frames.clear()

    assert taken(frames) == []
    assert not frames.unfinished()


def test_a_message_is_written_with_its_length_in_network_order() -> None:
    """RFC 1035, 4.2.2."""
    assert framed(b"abcdefghijklm") == b"\x00\x0dabcdefghijklm"
