"""Octets to lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.sources.lines import MAX_LINE_OCTETS, Lines


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_lines_do_not_depend_on_how_octets_arrive(octets: bytes, cuts: list[int]) -> None:
    """F-16: the same lines, whole, whatever the packets were."""
    lines, found, start = Lines(), list[bytes](), 0
    for cut in [*sorted(cuts), len(octets)]:
        found += lines.feed(octets[start:cut]).split(b"\n")
        start = max(start, cut)

    *whole, rest = octets.split(b"\n")
    assert [line for line in found if line] == [line for line in whole if line]
    assert lines.end() == rest


def test_a_line_of_the_greatest_size_passes() -> None:
    """F-16: 10 MB; etcd itself takes 1.5 MiB."""
    lines = Lines()
    line = b"x" * MAX_LINE_OCTETS

    assert len(lines.feed(line + b"\n")) == MAX_LINE_OCTETS
    assert not lines.overflowed


def test_a_longer_line_ends_the_stream_whether_it_ends_or_not() -> None:
    """F-16: only its beginning comes out, in one chunk or in several."""
    line = b"x" * (MAX_LINE_OCTETS + 1)
    for chunks in ([line + b"\nnext\n"], [line[:9], line[9:]], [line[:9], line[9:] + b"\n"]):
        lines = Lines()
        found = [whole for chunk in chunks if (whole := lines.feed(chunk))]

        assert found == [b"x" * 200]
        assert lines.overflowed


def test_lines_before_a_longer_one_come_out() -> None:
    """F-16: they are whole, whatever follows."""
    lines = Lines()

    assert lines.feed(b"a\nb\n" + b"x" * (MAX_LINE_OCTETS + 1) + b"\nc\n") == b"a\nb\n" + b"x" * 200
    assert lines.overflowed
    lines = Lines()
    many = (b"a" * 999 + b"\n") * (MAX_LINE_OCTETS // 500)
    assert lines.feed(many) == many[:-1]
    assert not lines.overflowed
