"""What is kept of a question: what it costs, and what counts as a denial."""

import msgspec
import pytest

from kubedns_py.server.entry import Content, Entry, Facts
from kubedns_py.server.ring import Ring

DATA = b"\x81\x80\0\1\0\1\0\0\0\0answer"
NOTHING = b"\x81\x80\0\1\0\0\0\0\0\0"


def facts(rcode: int = 0) -> Facts:
    """Return what is counted of a reply."""
    return Facts(".", 1, do=False, rcode=rcode, rule="test")


@pytest.mark.parametrize(
    ("rcode", "text", "is_denial"),
    [(0, DATA, False), (0, NOTHING, True), (3, NOTHING, True), (3, DATA, True)],
    ids=["data", "NODATA", "NXDOMAIN", "an alias of nothing"],
)
def test_what_says_no_is_a_denial(rcode: int, text: bytes, *, is_denial: bool) -> None:
    """Denials have a share of their own."""
    assert Content(facts(rcode), (text,)).is_denial is is_denial


def test_an_entry_is_estimated_by_what_it_holds() -> None:
    """Octets, and places that are written to."""
    plain = Entry(1, Content(facts(), (DATA,))).size_octets
    ring = Ring(b"", bytes(1600), 16, 10, b"", is_whole=True)

    assert Entry(1, Content(facts(), (DATA + bytes(100),))).size_octets == plain + 100
    assert Entry(1, Content(facts(), (DATA,), ttls=(((20, 5),),))).size_octets > plain
    assert Entry(1, Content(facts(), (DATA,), ring=ring)).size_octets == plain + 1600


def test_replies_come_from_the_ring_where_there_is_one() -> None:
    """One of them stands for all in ``texts``."""
    ring = Ring(b"", b"aabb", 2, 1, b"", is_whole=True)

    entry = Entry(1, Content(facts(), (b"aa",), ring=ring))

    assert [entry.texts[number] for number in range(len(entry.texts))] == [b"aa", b"bb"]


def test_content_can_be_told_to_another_process() -> None:
    """As MessagePack, which knows octets and infinity."""
    ring = Ring(b"", b"aabb", 2, 1, b"", is_whole=True)
    content = Content(facts(), (b"aa",), 1.5, ttls=(((20, 5),),), serials=(7,), zone=1, ring=ring)

    told = msgspec.msgpack.encode(content)

    assert msgspec.msgpack.decode(told, type=Content) == content
