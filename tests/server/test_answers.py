"""The answer table: it may decline, it may never disagree."""

import tracemalloc

import dns.message
import pytest

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text
from kubedns_py.dns.query import Edns, Query
from kubedns_py.server.answers import AnswerTable, Entry, Facts

ASK = Ask(from_text("example.org."), 1, 1)
FACTS = Facts(".", ASK.name, 1, do=False, rcode=0, rule="outside")
QUERY = b"\x12\x34" + bytes(10)


class House:
    """Stands for the cache behind the table, its clock and its tally."""

    def __init__(self, octets: int = 1_000_000) -> None:
        self.generation = 0
        self.now = 0.0
        self.credits: list[tuple[Ask, int]] = []
        self.counted: list[tuple[Facts, int, int, float, int]] = []
        self.table = AnswerTable(self, lambda: self.now, self.count, octets)

    def credit(self, ask: Ask, hits: int) -> None:
        """Note it."""
        self.credits.append((ask, hits))

    def count(self, facts: Facts, asked: int, replied: int, seconds: float, times: int) -> None:
        """Note it."""
        self.counted.append((facts, asked, replied, seconds, times))

    def put(self, *replies: bytes, query: bytes = QUERY) -> None:
        """Put an entry, made now."""
        entry = Entry(ASK, FACTS, replies or [a_reply("192.0.2.1")], self.now)
        self.table.put(query, entry)

    def repeat(self, query: bytes = QUERY, *, at: float | None = None) -> list[str] | None:
        """Return the records of a repeated reply, in a burst of its own."""
        self.now = self.now if at is None else at
        self.table.begin()
        reply = self.table.repeat(query[2:])
        if reply is None:
            return None
        message = dns.message.from_wire(query[:2] + reply, one_rr_per_rrset=True)
        return [rrset.to_text() for rrset in message.answer]


@pytest.fixture
def house() -> House:
    """Return a table with one entry."""
    made = House()
    made.put()
    return made


def a_reply(*addresses: str, ttl: int = 60) -> bytes:
    """Return the octets of a reply with A records."""
    text = [f"example.org. {ttl} IN A {address}" for address in addresses]
    lines = "\n".join(["id 99", "flags QR RD", ";QUESTION", "example.org. IN A", ";ANSWER", *text])
    return dns.message.from_text(lines, one_rr_per_rrset=True).to_wire()


SIZE = Entry(ASK, FACTS, [a_reply("192.0.2.1")], 0.0).size_octets + 5
"""Of an entry with a short key."""

LINE = "example.org. {} IN A 192.0.2.1"


@pytest.mark.parametrize(
    ("now", "ttl"), [(0.0, 60), (0.99, 60), (1.0, 59), (1.5, 59), (30.2, 30), (53.9, 7)]
)
def test_ttls_count_down_with_the_whole_seconds_that_passed(
    house: House, now: float, ttl: int
) -> None:
    """C-09, C-21: on the clock that it is given."""
    assert house.repeat(at=now) == [LINE.format(ttl)]


def test_time_is_taken_once_for_a_burst(house: House) -> None:
    """It costs a tenth of a microsecond each time."""
    house.table.begin()
    house.now = 59.0

    assert house.table.repeat(QUERY[2:]) is not None


def test_orders_of_addresses_take_turns_and_all_count_down() -> None:
    """ENV-10: no client's order is everybody's."""
    house = House()
    house.put(a_reply("192.0.2.1", "192.0.2.2"), a_reply("192.0.2.2", "192.0.2.1"))

    firsts = [(house.repeat(at=5.0) or [""])[0] for _ in range(4)]

    assert sorted(set(firsts)) == [LINE.format(55), "example.org. 55 IN A 192.0.2.2"]
    assert firsts[:2] == firsts[2:]


def test_an_entry_ends_with_a_tenth_of_its_lifetime_left(house: House) -> None:
    """Prefetch: the cache has to see that the name is still asked for."""
    assert house.repeat(at=53.9) is not None
    assert house.repeat(at=54.0) is None
    assert len(house.table) == 0


def test_the_id_is_no_part_of_the_key_and_everything_else_is(house: House) -> None:
    """0x20, flags and sizes need no thought."""
    assert house.repeat(b"\xff\xff" + QUERY[2:]) == [LINE.format(60)]
    assert house.repeat(QUERY[:-1] + b"\1") is None
    assert house.repeat(QUERY + b"\0") is None
    assert house.repeat(b"") is None


def test_uses_are_counted_when_somebody_has_time(house: House) -> None:
    """Metrics: octets, rule and rcode of each; the time that one of the burst took."""
    house.table.begin()
    for _ in range(3):
        assert house.table.repeat(QUERY[2:])
    house.now += 0.006
    house.table.end(6)
    assert (house.counted, house.table.is_settled) == ([], False)

    house.table.settle()
    house.table.settle()

    size = len(a_reply("192.0.2.1"))
    ((facts, asked, replied, seconds, times),) = house.counted
    assert (facts, asked, replied, times) == (FACTS, len(QUERY), size, 3)
    assert seconds == pytest.approx(0.001)
    assert house.table.is_settled
    house.repeat()
    house.table.settle()
    assert [times for *_, times in house.counted] == [3, 1]


def test_uses_are_counted_and_credited_when_an_entry_ends(house: House) -> None:
    """The cache counts its hits, and knows what is hot."""
    for _ in range(3):
        house.repeat()
    house.table.settle()
    for _ in range(2):
        house.repeat()

    house.repeat(at=60.0)
    house.table.settle()

    assert house.credits == [(ASK, 3), (ASK, 2)]
    assert [times for *_, times in house.counted] == [3, 2]


def test_a_change_of_upstreams_ends_everything(house: House) -> None:
    """Answers of servers that are not asked any more are not given any more."""
    house.repeat()
    house.generation = 1

    assert house.repeat() is None
    assert [times for *_, times in house.counted] == [1]
    house.put(query=b"12other")
    house.generation = 2
    house.put()
    assert house.repeat(b"12other") is None
    assert house.repeat() is not None


def test_an_answer_that_hardly_lives_is_not_kept() -> None:
    """TTL 0 and 1, and replies without any record."""
    house = House()

    for reply in (a_reply("192.0.2.1", ttl=0), a_reply("192.0.2.1", ttl=1), a_reply()):
        house.put(reply)

    assert len(house.table) == 0


def test_queries_that_hold_chance_are_not_kept() -> None:
    """Cookies, padding and spellings never come twice (C-20)."""

    def takes(edns: Edns | None, question: bytes = b"\1a\0\0\1\0\1") -> bool:
        return AnswerTable.takes(Query(1, 0x0100, question, (b"a",), 1, 1, edns))

    assert takes(None)
    assert takes(Edns(1232, 0, do=True))
    assert takes(None, b"\1a\0\0A\0\1")  # type 65 is HTTPS
    assert not takes(Edns(1232, 0, do=False, has_options=True))
    assert not takes(None, b"\1A\0\0\1\0\1")


def test_when_it_is_full_what_was_used_stays() -> None:
    """Names that are asked twice and never again push nothing hot out."""
    house = House(octets=4 * SIZE)
    for number in range(4):
        house.put(query=b"12%d" % number)
    assert house.repeat(b"120") is not None

    for number in range(4, 7):
        house.put(query=b"12%d" % number)

    assert len(house.table) == 4
    assert house.repeat(b"120") is not None
    assert house.repeat(b"121") is None


def test_when_all_were_used_an_old_one_goes() -> None:
    """The bound holds whatever happens."""
    house = House(octets=20 * SIZE)
    for number in range(20):
        house.put(query=b"12%d" % number)
        assert house.repeat(b"12%d" % number) is not None

    house.put(query=b"12new")

    assert len(house.table) == 20
    assert house.repeat(b"12new") is not None
    assert house.credits == [(ASK, 1)]


def test_memory_is_bounded_whatever_is_asked() -> None:
    """C-20: the estimate is what it takes, and an answer that is too large is not kept."""
    house = House(octets=2_000_000)
    replies = [a_reply(*(f"192.0.2.{number}" for number in range(40))) for _ in range(4)]
    tracemalloc.start()
    for number in range(2000):
        house.put(*(bytes(reply) + b"" for reply in replies), query=b"12" + b"%060d" % number)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(house.table) > 100
    assert 1_000_000 < taken < 2_600_000, taken
    small = House(octets=500)
    small.put()
    assert len(small.table) == 0
