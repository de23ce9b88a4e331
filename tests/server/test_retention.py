"""Which entries leave when there is no room."""

from kubedns_py.server.entry import Content, Entry, Facts
from kubedns_py.server.retention import Retention

FACTS = Facts(".", 1, do=False, rcode=0, rule="outside")


class House:
    """A room for some entries of one size, and which of them were used."""

    def __init__(self, entries: int) -> None:
        self.used: set[int] = set()
        self.left: list[int] = []
        self._size = self._entry(0).size_octets
        self.room = Retention(entries * self._size, self._was_used)

    def add(self, *numbers: int) -> None:
        """Take entries in, making room for each."""
        for number in numbers:
            left = self.room.make_room(self._size)
            assert left is not None
            self.left += [each.number for each in left]
            self.room.add(self._entry(number))

    def use(self, *numbers: int) -> None:
        """Use entries that are in."""
        self.used |= {number for number in numbers if self.room.get(number)}

    @staticmethod
    def _entry(number: int) -> Entry:
        return Entry(number, Content(FACTS, (b"reply",)))

    def _was_used(self, entry: Entry) -> bool:
        was_used = entry.number in self.used
        self.used.discard(entry.number)
        return was_used


def test_what_was_not_used_leaves_first() -> None:
    """Names that are asked twice and never again push nothing hot out."""
    house = House(4)
    house.add(1, 2, 3, 4)
    house.use(1, 3)

    house.add(5, 6)

    assert house.left == [2, 4]
    assert len(house.room) == 4


def test_what_is_used_again_and_again_stays_whatever_enters() -> None:
    """20,000 names that are each asked twice, and ten that are asked all the time."""
    house = House(100)
    house.add(*range(100))

    for number in range(100, 20_100):
        house.use(*range(10))
        house.add(number)

    assert set(range(10)).isdisjoint(house.left)


def test_what_is_not_used_any_more_leaves_in_the_end() -> None:
    """Once hot is not hot for ever."""
    house = House(8)
    house.add(*range(8))
    house.use(*range(8))

    for number in range(8, 80):
        house.add(number)
        house.use(number)

    assert set(range(8)) <= set(house.left)


def test_when_all_were_used_one_leaves_all_the_same() -> None:
    """The bound holds whatever happens."""
    house = House(600)
    house.add(*range(600))
    for number in range(600, 1200):
        house.use(*range(number))
        house.add(number)

    assert len(house.room) == 600
    assert len(house.left) == 600


def test_what_is_too_large_for_the_whole_room_is_not_taken() -> None:
    """And nothing leaves for it."""
    house = House(2)
    house.add(1)

    assert house.room.make_room(10**9) is None
    assert len(house.room) == 1


def test_an_entry_that_grew_counts_for_what_it_takes() -> None:
    """Keys that it is found by come later."""
    house = House(2)
    house.add(1, 2)
    entry = house.room.get(2)
    assert entry is not None
    before = house.room.octets
    house.room.grow(entry, 10)
    assert house.room.octets == before + 10

    house.add(3)

    assert house.left == [1, 2]
    house.room.discard(house.room.get(3) or entry)
    assert len(house.room) == house.room.octets == 0
    house.add(4, 5)
    assert house.left == [1, 2]
