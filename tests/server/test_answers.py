"""The answer table: what is repeated, when it is made anew, and how it is counted."""

import dns.message
import pytest

from kubedns_py.dns.lifetime import serials, ttls
from kubedns_py.dns.name import from_text, to_wire
from kubedns_py.server.answers import AnswerTable
from kubedns_py.server.entry import Content, Entry, Facts

QUERY = b"\x12\x34" + bytes(10)
FACTS = Facts(".", 1, do=False, rcode=0, rule="outside", family=1, asked_octets=12)


class House:
    """Owns a table, and notes what it is told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks = 0
        self.counted: list[tuple[int, int, float]] = []
        self.table = AnswerTable(self, lambda: self.now, (1, 1))
        self._numbers = 0

    def look(self) -> None:
        """Note it."""
        self.looks += 1

    def ended(self, entry: Entry) -> None:
        """Let it go."""
        self.table.discard(entry)

    def count(self, entry: Entry, times: int, seconds: float) -> None:
        """Note it."""
        self.counted.append((entry.number, times, seconds))

    def put(self, content: Content, query: bytes = QUERY) -> Entry:
        """Put an entry."""
        self._numbers += 1
        entry = Entry(self._numbers, content)
        self.table.put(entry, query[2:])
        return entry

    def repeat(self, query: bytes = QUERY, *, at: float | None = None) -> list[str] | None:
        """Return the records of a repeated reply, in a burst of its own."""
        self.now = self.now if at is None else at
        self.table.begin()
        reply = self.table.repeat(query[2:])
        if reply is None:
            return None
        message = dns.message.from_wire(query[:2] + reply, one_rr_per_rrset=True)
        return [rrset.to_text() for part in message.sections[1:] for rrset in part]


def a_reply(*lines: str) -> bytes:
    """Return the octets of a reply with records in its answer."""
    text = ["id 99", "flags QR RD", ";QUESTION", "example.org. IN A", ";ANSWER", *lines]
    return dns.message.from_text("\n".join(text), one_rr_per_rrset=True).to_wire()


LINE = "example.org. {} IN A 192.0.2.{}"
SOA = "example.org. 5 IN SOA a.example.org. b.example.org. {} 7200 1800 86400 5"


def of_others(*replies: bytes, until: float = 54.0) -> Content:
    """Return what counts down."""
    places = tuple(tuple((at - 2, ttl) for at, ttl in ttls(each)) for each in replies)
    return Content(FACTS, tuple(each[2:] for each in replies), 0.0, until, places)


def a_denial(serial: int, zone: int = 0) -> Content:
    """Return what has the serial of a zone in it."""
    reply = a_reply(SOA.format(serial))
    places = tuple(at - 2 for at in serials(reply))
    return Content(FACTS, (reply[2:],), serials=places, zone=zone)


@pytest.fixture
def house() -> House:
    """Return a table with one answer of others."""
    made = House()
    made.put(of_others(a_reply(LINE.format(60, 1))))
    return made


@pytest.mark.parametrize(
    ("now", "ttl"), [(0.0, 60), (0.99, 60), (1.0, 59), (1.5, 59), (30.2, 30), (53.9, 7)]
)
def test_ttls_count_down_with_the_whole_seconds_that_passed(
    house: House, now: float, ttl: int
) -> None:
    """C-09, C-21: on the clock that it is given."""
    assert house.repeat(at=now) == [LINE.format(ttl, 1)]


def test_what_is_ours_stays_as_it_is() -> None:
    """Its TTL says how long a client may keep it, from whenever it is asked."""
    house = House()
    house.put(Content(FACTS, (a_reply(LINE.format(30, 1))[2:],)))

    assert house.repeat(at=1e9) == [LINE.format(30, 1)]


def test_time_is_taken_once_for_a_burst(house: House) -> None:
    """It costs a tenth of a microsecond each time, and so does a look at what changed."""
    house.table.begin()
    house.now = 59.0

    assert house.table.repeat(QUERY[2:]) is not None
    assert house.looks == 1


def test_orders_of_addresses_take_turns_and_all_count_down() -> None:
    """ENV-10: no client's order is everybody's, whether or not uses are counted between."""
    house = House()
    one, two = LINE.format(60, 1), LINE.format(60, 2)
    house.put(of_others(a_reply(one, two), a_reply(two, one)))

    firsts = []
    for _ in range(4):
        firsts.append((house.repeat(at=5.0) or [""])[0])
        house.table.settle()

    assert sorted(set(firsts)) == [LINE.format(55, 1), LINE.format(55, 2)]
    assert firsts[:2] == firsts[2:]


def test_an_entry_ends_when_its_time_is_over(house: House) -> None:
    """Prefetch: the cache has to see that the name is still asked for."""
    assert house.repeat(at=53.9) is not None
    assert house.repeat(at=54.0) is None
    assert len(house.table) == 0


def test_the_id_is_no_part_of_the_key_and_everything_else_is(house: House) -> None:
    """0x20, flags and sizes need no thought."""
    assert house.repeat(b"\xff\xff" + QUERY[2:]) == [LINE.format(60, 1)]
    assert house.repeat(QUERY[:-1] + b"\1") is None
    assert house.repeat(QUERY + b"\0") is None
    assert house.repeat(b"") is None


def test_uses_are_counted_when_somebody_has_time(house: House) -> None:
    """Metrics: how many, and the time that one of the burst took."""
    house.table.begin()
    for _ in range(3):
        assert house.table.repeat(QUERY[2:])
    house.now += 0.006
    house.table.end(6)
    assert (house.counted, house.table.is_settled) == ([], False)

    house.table.settle()
    house.table.settle()

    ((number, times, seconds),) = house.counted
    assert (number, times) == (1, 3)
    assert seconds == pytest.approx(0.001)
    assert house.table.is_settled
    house.repeat()
    house.table.settle()
    assert [times for _, times, _ in house.counted] == [3, 1]


def test_uses_are_counted_when_an_entry_goes(house: House) -> None:
    """Each once, also of an entry that was counted before."""
    house.repeat()
    house.table.settle()
    house.repeat()
    house.repeat()

    house.repeat(at=60.0)
    house.table.settle()

    assert [times for _, times, _ in house.counted] == [1, 2]


def test_when_all_is_forgotten_uses_are_counted(house: House) -> None:
    """First sync, other upstreams."""
    house.repeat()
    house.table.clear()

    assert house.repeat() is None
    assert [times for _, times, _ in house.counted] == [1]


def test_one_entry_is_found_by_several_queries(house: House) -> None:
    """Payload sizes above ours, and bits of the header that nobody echoes."""
    entry = house.put(of_others(a_reply(LINE.format(60, 7))), b"12one")
    house.table.put(entry, b"two")
    house.table.put(entry, b"two")

    assert house.repeat(b"12one") == house.repeat(b"12two") == [LINE.format(60, 7)]

    house.table.discard(entry)
    assert house.repeat(b"12one") is None
    assert house.repeat(b"12two") is None
    assert [times for _, times, _ in house.counted] == [2]


def test_a_denial_has_the_serial_of_its_zone() -> None:
    """ENV-6: 100 changes a second do not empty the table of denials."""
    house = House()
    house.put(a_denial(1), b"12one")
    house.put(a_denial(1, zone=1), b"12two")
    assert house.repeat(b"12one") == [SOA.format(1)]

    for serials_ in ((7, 8), (9, 8), (2**32 + 5, 8)):
        house.table.take_serials(serials_)
        for _ in range(2):
            assert house.repeat(b"12one") == [SOA.format(serials_[0] % 2**32)]
            assert house.repeat(b"12two") == [SOA.format(8)]


def test_an_entry_that_was_made_long_ago_gets_the_serial_of_now() -> None:
    """A worker that starts is told of all entries, whenever they were made."""
    house = House()
    house.table.take_serials((7, 7))

    house.put(a_denial(1))

    assert house.repeat() == [SOA.format(7)]


def test_names_are_left_alone_when_a_serial_is_written() -> None:
    """The offset is that of the serial, whatever name precedes it."""
    reply = a_reply(SOA.format(1))
    (at,) = serials(reply)

    assert reply[at : at + 4] == b"\0\0\0\1"
    assert bytes(to_wire(from_text("example.org."))) in reply
