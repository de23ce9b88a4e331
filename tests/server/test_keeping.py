"""What enters the answer tables, and what leaves them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import pytest

from kubedns_py.cluster.objects import Address, Key
from kubedns_py.cluster.store import Store
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text
from kubedns_py.resolver.dependencies import Dependencies
from kubedns_py.resolver.view import Known, Policy, View
from kubedns_py.server.entry import Content, Entry, Facts
from kubedns_py.server.keeping import Keeper
from kubedns_py.zone.naming import Naming
from kubedns_py.zone.publishing import Publishing
from kubedns_py.zone.zone import Visibility, Zone

WEB, DB = Key("shop", "web"), Key("shop", "db")
ADDRESS = Address(b"\x0a\1\0\1")
ASK = Ask(from_text("example.org."), 1, 1)
DATA = b"\x81\x80\0\1\0\1\0\0\0\0" + b"answer" * 15
DENIAL = b"\x81\x80\0\1\0\0\0\0\0\0" + b"denied" * 15


def facts(rcode: int = 0, family: int = 1, ask: Ask | None = None) -> Facts:
    """Return what is counted of a reply."""
    return Facts(".", 1, do=False, rcode=rcode, rule="test", family=family, ask=ask)


class Others:
    """Upstreams that a test changes."""

    generation = 0

    def credit(self, ask: Ask, hits: int) -> None:
        """Learn nothing."""


class Copies:
    """A listener that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def entered(self, number: int, key: bytes, content: Content) -> None:
        """Note it."""
        self.told.append(("entered", number, key, content.texts))

    def left(self, numbers: Sequence[int]) -> None:
        """Note it."""
        self.told.append(("left", *sorted(numbers)))

    def forgot(self) -> None:
        """Note it."""
        self.told.append(("forgot",))

    def counted(self, serials: Sequence[int]) -> None:
        """Note it."""
        self.told.append(("counted", *serials))


class House:
    """A keeper over an empty cluster."""

    def __init__(self, octets: int = 1 << 20) -> None:
        self.now = 0.0
        self.uses: list[tuple[Facts, int]] = []
        self.others = Others()
        store = Store(lambda: None)
        naming = Naming(from_text("cluster.local"), 30)
        self.zone = Zone(store, naming, Publishing(), Visibility())
        self.view = View((self.zone,), store, Policy(), Known.ALL)
        self.keeper = Keeper(self.view, self.others, lambda: self.now, self._count, octets)
        self.copies = Copies()
        self.keeper.listener = self.copies

    def _count(self, facts: Facts, times: int, seconds: float) -> None:
        del seconds
        self.uses.append((facts, times))

    def keep(
        self,
        key: bytes,
        depends: Dependencies | None = None,
        *,
        text: bytes = DATA,
        until: float = 1e9,
        **of: object,
    ) -> Entry | None:
        """Keep an answer that is found by its own octets too."""
        content = Content(facts(**of), (text,), until=until)  # type: ignore[arg-type] # a test's
        entry = self.keeper.keep(b"fold " + key, content, depends)
        if entry is not None:
            self.keeper.find_by(entry, key)
        return entry

    def has(self, key: bytes, family: int = 1) -> bool:
        """Tell whether a query is answered, by what it shares with others or by its octets."""
        table = self.keeper.tables[family]
        table.begin()
        exact = table.repeat(key) is not None
        assert exact is (self.keeper.find(b"fold " + key, self.now) is not None)
        return exact


@pytest.fixture
def house() -> House:
    """Return a keeper of nothing."""
    return House()


def test_a_change_drops_exactly_what_depended_on_it(house: House) -> None:
    """Positive or not, by name or by address."""
    house.keep(b"web", Dependencies((WEB,)))
    house.keep(b"db", Dependencies((DB,)))
    house.keep(b"alias", Dependencies((DB, WEB)))
    house.keep(b"no", Dependencies((WEB,)), text=DENIAL, rcode=3)
    house.keep(b"pointer", Dependencies((), (ADDRESS,)))
    house.keep(b"constant", Dependencies())

    house.keeper.drop({WEB, Key("shop", "other")}, set())
    assert [key for key in (b"web", b"alias", b"no") if house.has(key)] == []
    assert all(map(house.has, (b"db", b"pointer", b"constant")))

    house.keeper.drop(set(), {ADDRESS})
    assert not house.has(b"pointer")
    assert len(house.keeper) == 2


@pytest.mark.parametrize(
    "flip",
    [
        lambda house: setattr(house.view, "known", Known.WITHOUT_ENDPOINTS),
        lambda house: setattr(house.view, "stale", True),
        lambda house: setattr(house.view, "stub_domains", frozenset({from_text("test")})),
        lambda house: setattr(house.view, "search_ends_here", False),
        lambda house: setattr(house.others, "generation", 1),
    ],
    ids=["known", "stale", "stub domains", "search", "upstreams"],
)
def test_all_is_forgotten_when_all_may_differ(house: House, flip: object) -> None:
    """First sync, an outage, another configuration; what was used is counted."""
    house.keep(b"web", Dependencies((WEB,)))
    house.keep(b"other", ask=ASK)
    assert house.has(b"web")
    assert callable(flip)

    flip(house)

    assert not house.has(b"web")
    assert not house.has(b"other")
    assert len(house.keeper) == 0
    assert house.uses == [(facts(), 1)]
    assert ("forgot",) in house.copies.told
    house.keep(b"web", Dependencies((WEB,)))
    house.keeper.drop({WEB}, set())
    assert not house.has(b"web")


def test_what_ends_with_its_time_is_gone_from_everywhere(house: House) -> None:
    """C-09."""
    house.keep(b"other", until=54.0, ask=ASK)
    house.now = 54.0

    assert not house.has(b"other")
    assert len(house.keeper) == 0


def test_an_answer_that_is_kept_anew_takes_the_place_of_the_old_one(house: House) -> None:
    """With its dependencies."""
    house.keep(b"web", Dependencies((WEB,)))
    house.keep(b"web", Dependencies((DB,)))

    house.keeper.drop({WEB}, set())

    assert house.has(b"web")
    assert len(house.keeper) == 1


def test_families_are_counted_apart(house: House) -> None:
    """Metrics have a label for it."""
    house.keep(b"web", family=2)

    assert house.has(b"web", family=2)
    house.keeper.tables[1].begin()
    assert house.keeper.tables[1].repeat(b"web") is None


def test_a_flood_of_names_that_are_asked_once_never_enters(house: House) -> None:
    """20,000 random names a second."""
    entered = sum(house.keeper.wants(b"%d" % number) for number in range(20_000))

    assert entered < 10


@pytest.mark.parametrize(
    "flood",
    [{"text": DENIAL, "rcode": 3}, {"text": DENIAL}, {"ask": ASK}, {}],
    ids=["NXDOMAIN", "NODATA", "of others", "ours"],
)
def test_a_flood_of_names_that_are_asked_twice_pushes_nothing_hot_out(
    flood: dict[str, object],
) -> None:
    """Whatever the flood is about: hot names of the cluster, and hot denials."""
    house = House(octets=1 << 20)
    for number in range(100):
        house.keep(b"hot%d" % number)
        house.keep(b"no%d" % number, text=DENIAL, rcode=3)
    hot = [b"%b%d" % (kind, number) for kind in (b"hot", b"no") for number in range(100)]

    for number in range(20_000):
        house.keep(b"flood%d" % number, **flood)  # type: ignore[arg-type] # a test's
        if not number % 100:
            assert all(map(house.has, hot))

    assert all(map(house.has, hot))


def test_memory_is_bounded_whatever_is_kept() -> None:
    """C-20: the estimate is what it takes, and an answer that is too large is not kept."""
    house = House(octets=2_000_000)
    house.keeper.listener = None
    tracemalloc.start()
    for number in range(4000):
        key = b"%060d" % number
        text = DATA + b"%d" % number
        depends = Dependencies((Key("shop", f"web-{number}"),))
        house.keep(key, depends, text=text)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert 500 < len(house.keeper) < 4000
    assert 700_000 < taken < 2_000_000, taken
    assert house.keep(b"large", text=bytes(2_000_000)) is None
    assert not house.has(b"large")


def test_what_is_held_is_told_by_kind(house: House) -> None:
    """For metrics: is it full, and of what?"""
    entries = [house.keep(b"a"), house.keep(b"b", ask=ASK), house.keep(b"c", text=DENIAL)]
    sizes = [entry.size_octets for entry in entries if entry is not None]

    held = zip(("own", "other", "denial"), sizes, strict=True)
    assert house.keeper.holdings == {kind: (1, octets) for kind, octets in held}
    house.keeper.forget_all()
    assert set(house.keeper.holdings.values()) == {(0, 0)}


def test_few_queries_are_found_by_one_entry(house: House) -> None:
    """Who sends more variants than there are does so on purpose, and keeps no other one out."""
    entry = house.keep(b"one")
    assert entry is not None
    sizes = set()
    house.keeper.tables[1].begin()
    for number in range(20):
        house.keeper.find_by(entry, b"%2d" % number)
        assert house.keeper.tables[1].repeat(b"%2d" % number) == DATA
        sizes.add(entry.size_octets)

    assert len(house.keeper.tables[1]) == len(entry.keys) == 4
    assert len(sizes) <= 4
    house.keep(b"one")  # anew, in the place of the first
    assert len(house.keeper.tables[1]) == 1


def test_who_keeps_copies_learns_what_enters_and_leaves(house: House) -> None:
    """In the order in which it happens."""
    web = house.keep(b"web", Dependencies((WEB,)))
    assert web is not None
    house.keeper.find_by(web, b"web2")
    house.keeper.find_by(web, b"web2")
    house.zone.serial = 9
    house.keeper.drop({WEB}, set())
    house.keeper.forget_all()

    assert house.copies.told == [
        ("entered", web.number, b"web", (DATA,)),
        ("entered", web.number, b"web2", (DATA,)),
        ("left", web.number),
        ("counted", 9),
        ("forgot",),
    ]


def test_who_comes_late_is_told_what_there_is(house: House) -> None:
    """A worker that was started anew."""
    house.keep(b"web", Dependencies((WEB,)))
    house.keep(b"db", Dependencies((DB,)))

    assert house.keeper.serials == [house.zone.serial]
    assert [(number, key, each.texts) for number, key, each in house.keeper.replay()] == [
        (1, b"web", (DATA,)),
        (2, b"db", (DATA,)),
    ]


def test_what_leaves_while_it_is_told_is_told_no_more(house: House) -> None:
    """All of it takes several turns of the event loop, and changes go before the rest of it."""
    for name in (b"web", b"db", b"api"):
        house.keep(name, Dependencies((DB,)) if name == b"db" else Dependencies((WEB,)))
    told = house.keeper.replay()
    assert next(told)[1] == b"web"

    house.keeper.drop({DB}, set())
    assert next(told)[1] == b"api"

    told = house.keeper.replay()
    next(told)
    house.keeper.forget_all()
    house.keep(b"api", Dependencies((WEB,)))
    assert list(told) == []


def test_uses_of_a_copy_are_counted_and_keep_the_entry() -> None:
    """Also when the entry left meanwhile."""
    house = House(octets=40_000)
    first = house.keep(b"hot")
    assert first is not None
    for number in range(100):
        house.keeper.credit(first.number, facts(), 5, 0.001)
        house.keep(b"%d" % number)

    assert house.has(b"hot")
    house.keeper.forget_all()
    house.uses.clear()
    house.keeper.credit(first.number, facts(), 3, 0.001)
    assert house.uses == [(facts(), 3)]
