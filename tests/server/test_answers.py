"""The answer table: it may decline, it may never disagree."""

import dns.message
import pytest

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text
from kubedns_py.dns.query import Edns, Query
from kubedns_py.server.answers import AnswerTable, Entry, Facts

ASK = Ask(from_text("example.org."), 1, 1)
FACTS = Facts(".", ASK.name, 1, do=False, rcode=0, rule="outside")
QUERY = b"\x12\x34" + bytes(10)


class Cached:
    """Stands for the cache behind the table."""

    def __init__(self) -> None:
        self.generation = 0
        self.credits: list[tuple[Ask, int]] = []

    def credit(self, ask: Ask, hits: int) -> None:
        """Note it."""
        self.credits.append((ask, hits))


def a_reply(*addresses: str, ttl: int = 60) -> bytes:
    """Return the octets of a reply with A records."""
    text = [f"example.org. {ttl} IN A {address}" for address in addresses]
    lines = "\n".join(["id 99", "flags QR RD", ";QUESTION", "example.org. IN A", ";ANSWER", *text])
    return dns.message.from_text(lines, one_rr_per_rrset=True).to_wire()


def an_entry(*replies: bytes, now: float = 0.0) -> Entry:
    """Return an entry made at a time."""
    return Entry(ASK, FACTS, replies or [a_reply("192.0.2.1")], now)


def read(octets: bytes) -> list[str]:
    """Return the records of an entry's octets."""
    message = dns.message.from_wire(b"\0\1" + octets)
    return [line for rrset in message.answer for line in rrset.to_text().splitlines()]


@pytest.mark.parametrize(
    ("now", "ttl"), [(0.0, 60), (0.99, 60), (1.0, 59), (1.5, 59), (30.2, 30), (53.9, 7)]
)
def test_ttls_count_down_with_the_whole_seconds_that_passed(now: float, ttl: int) -> None:
    """C-09, C-21: on the clock that it is given."""
    assert read(an_entry().octets(now)) == [f"example.org. {ttl} IN A 192.0.2.1"]


def test_orders_of_addresses_take_turns_and_all_count_down() -> None:
    """ENV-10: no client's order is everybody's."""
    entry = an_entry(a_reply("192.0.2.1", "192.0.2.2"), a_reply("192.0.2.2", "192.0.2.1"))

    firsts = [read(entry.octets(5.0))[0] for _ in range(4)]

    assert sorted(set(firsts)) == [
        "example.org. 55 IN A 192.0.2.1",
        "example.org. 55 IN A 192.0.2.2",
    ]
    assert firsts[:2] == firsts[2:]


def test_an_entry_ends_with_a_tenth_of_its_lifetime_left() -> None:
    """Prefetch: the cache has to see that the name is still asked for."""
    cached = Cached()
    table = AnswerTable(cached)
    table.put(QUERY, an_entry(now=100.0))

    assert table.get(QUERY, 153.9) is not None
    assert table.get(QUERY, 154.0) is None
    assert len(table) == 0


def test_the_id_is_no_part_of_the_key_and_everything_else_is() -> None:
    """0x20, flags and sizes need no thought."""
    table = AnswerTable(Cached())
    table.put(QUERY, an_entry())

    assert table.get(b"\xff\xff" + QUERY[2:], 1.0) is not None
    assert table.get(QUERY[:-1] + b"\1", 1.0) is None
    assert table.get(QUERY + b"\0", 1.0) is None
    assert table.get(b"", 1.0) is None


def test_what_an_entry_was_used_for_is_credited_when_it_ends() -> None:
    """The cache counts its hits, and knows what is hot."""
    cached = Cached()
    table = AnswerTable(cached)
    table.put(QUERY, an_entry())
    entry = table.get(QUERY, 1.0)
    assert entry is not None
    for _ in range(3):
        entry.octets(1.0)

    table.get(QUERY, 60.0)

    assert cached.credits == [(ASK, 3)]


def test_a_change_of_upstreams_ends_everything() -> None:
    """Answers of servers that are not asked any more are not given any more."""
    cached = Cached()
    table = AnswerTable(cached)
    table.put(QUERY, an_entry())
    table.put(b"12other", an_entry())

    cached.generation = 1

    assert table.get(QUERY, 1.0) is None
    table.put(QUERY, an_entry())
    assert table.get(b"12other", 1.0) is None
    assert table.get(QUERY, 1.0) is not None


def test_an_answer_that_hardly_lives_is_not_kept() -> None:
    """TTL 0 and 1, and replies without any record."""
    table = AnswerTable(Cached())

    for reply in (a_reply("192.0.2.1", ttl=0), a_reply("192.0.2.1", ttl=1), a_reply()):
        table.put(QUERY, an_entry(reply))

    assert len(table) == 0


def test_queries_with_options_are_not_kept() -> None:
    """Cookies and padding never come twice."""

    def takes(edns: Edns | None) -> bool:
        return AnswerTable.takes(Query(1, 0x0100, b"\0\0\1\0\1", (), 1, 1, edns))

    assert takes(None)
    assert takes(Edns(1232, 0, do=True))
    assert not takes(Edns(1232, 0, do=False, has_options=True))


def test_when_it_is_full_what_was_used_stays() -> None:
    """Names that are asked twice and never again push nothing hot out."""
    cached = Cached()
    table = AnswerTable(cached, most=4)
    for number in range(4):
        table.put(b"12%d" % number, an_entry())
    hot = table.get(b"120", 1.0)
    assert hot is not None
    hot.octets(1.0)

    for number in range(4, 7):
        table.put(b"12%d" % number, an_entry())

    assert len(table) == 4
    assert table.get(b"120", 1.0) is hot
    assert table.get(b"121", 1.0) is None
    assert cached.credits == [(ASK, 1)]


def test_when_all_were_used_the_oldest_goes() -> None:
    """The bound holds whatever happens."""
    table = AnswerTable(Cached(), most=20)
    for number in range(20):
        table.put(b"12%d" % number, an_entry())
        entry = table.get(b"12%d" % number, 1.0)
        assert entry is not None
        entry.octets(1.0)

    table.put(b"12new", an_entry())

    assert len(table) == 20
    assert table.get(b"12new", 1.0) is not None
