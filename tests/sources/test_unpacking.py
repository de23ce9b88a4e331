"""Bodies as they come: gzip, plain, and what is neither."""

from __future__ import annotations

import gzip
import itertools
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.errors import HttpError
from kubedns_py.sources.unpacking import PORTION_OCTETS, body_of
from tests.helpers.separately import printed

LIST = b'{"kind":"List","items":[%s]}' % b",".join(b'{"a":%d}' % each for each in range(99))


def read(*chunks: bytes, coding: str = "gzip") -> bytes:
    """Return what a body says that comes in these chunks. Raises HttpError."""
    body = body_of(coding)
    found = [portion for chunk in chunks for portion in body.feed(chunk)]
    body.end()
    return b"".join(found)


@given(st.binary(max_size=200), st.integers(0, 9), st.lists(st.integers(0, 250), max_size=5))
def test_what_was_compressed_comes_out_however_it_comes_in(
    octets: bytes, level: int, cuts: list[int]
) -> None:
    """RFC 1952: zlib's own words, at each of its levels, cut anywhere."""
    packed = gzip.compress(octets, level)
    edges = [0, *sorted(cuts), len(packed)]

    chunks = [packed[start:end] for start, end in itertools.pairwise(edges)]

    assert read(*chunks) == octets


@pytest.mark.parametrize("size", [PORTION_OCTETS - 1, PORTION_OCTETS, 5 * PORTION_OCTETS + 1])
def test_much_comes_out_in_portions(size: int) -> None:
    """F-06: others run between them."""
    octets = (LIST * (size // len(LIST) + 1))[:size]

    portions = list(body_of("gzip").feed(gzip.compress(octets)))

    assert b"".join(portions) == octets
    assert max(map(len, portions)) <= PORTION_OCTETS
    assert len(portions) <= size // PORTION_OCTETS + 1


def test_octets_that_stand_for_many_take_no_memory() -> None:
    """F-06: 64 KiB that stand for 64 MiB."""
    packed = gzip.compress(bytes(64 << 20))
    body = body_of("gzip")
    tracemalloc.start()
    try:
        total = sum(map(len, body.feed(packed)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(packed) <= 65_536 + 1000
    assert total == 64 << 20
    assert peak < 1 << 20


def test_what_is_there_comes_out_before_the_end() -> None:
    """A watch is one body: an event that was flushed is not kept back."""
    packed = zlib.compressobj(wbits=31)
    first = packed.compress(LIST) + packed.flush(zlib.Z_SYNC_FLUSH)

    assert b"".join(body_of("gzip").feed(first)) == LIST


def test_members_are_read_one_behind_the_other() -> None:
    """RFC 1952, 2.2: together, or each for itself; an empty one as well."""
    members = [gzip.compress(each) for each in (b"a", b"", LIST)]

    assert read(b"".join(members)) == read(*members) == b"a" + LIST


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (gzip.compress(LIST)[:-9], "gzip: cut off"),
        (gzip.compress(LIST)[:-1], "gzip: cut off"),
        (gzip.compress(LIST)[:3], "gzip: cut off"),
        (gzip.compress(LIST)[:-8] + bytes(8), "gzip: Error -6 Incorrect checksum found"),
        (gzip.compress(LIST) + LIST, "gzip: Error -4 Invalid gzip/zlib wrapper found"),
        (LIST, "gzip: Error -4 Invalid gzip/zlib wrapper found"),
    ],
    ids=["data", "trailer", "header", "checksum", "behind its end", "plain"],
)
def test_what_is_not_whole_is_an_error(octets: bytes, words: str) -> None:
    """F-16: half a list is none, and neither is one with a bit turned over."""
    with pytest.raises(HttpError, match=f"^{words}$"):
        read(octets)


@pytest.mark.parametrize("coding", ["", "identity"])
def test_a_body_that_is_not_coded_is_as_it_is(coding: str) -> None:
    """RFC 9110, 8.4: an API server compresses nothing that is small."""
    assert read(LIST[:9], LIST[9:], coding=coding) == LIST


@pytest.mark.parametrize("coding", ["GZIP", "x-gzip"])
def test_gzip_has_other_spellings(coding: str) -> None:
    """RFC 9110, 8.4.1: names fold case; 8.4.1.3: x-gzip is the same."""
    assert read(gzip.compress(LIST), coding=coding) == LIST


@pytest.mark.parametrize("coding", ["deflate", "br", "gzip, gzip"])
def test_what_was_not_asked_for_is_not_read(coding: str) -> None:
    """RFC 9110, 12.5.3: only gzip was acceptable."""
    with pytest.raises(HttpError, match=f"^Content-Encoding {coding}, which was not asked for$"):
        body_of(coding)


def test_a_body_without_octets_is_whole() -> None:
    """RFC 9110, 8.4: a proxy may leave the header where nothing follows."""
    assert read(coding="gzip") == b""


def test_nothing_is_imported_for_it_but_the_reader() -> None:
    """A start asks first: neither isal's files nor its threads are needed."""
    code = (
        "import sys, kubedns_py.sources.unpacking;"
        "print(sorted(each for each in sys.modules if each.startswith('isal.i')))"
    )

    assert printed(code) == "['isal.igzip_lib']"
