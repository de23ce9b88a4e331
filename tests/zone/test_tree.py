"""The tree cache: nodes by label path, replaced whole, grown when they are asked for."""

from collections.abc import Callable

from kubedns_py.cluster.objects import Key
from kubedns_py.dns.name import from_text
from kubedns_py.dns.rrset import A, RRset
from kubedns_py.zone.tree import MOST_GROWN, Node, OnDemand, OneByOne, Subtree, Tree

WEB = Key("shop", "web")
DB = Key("shop", "db")


class Garden:
    """Derives a subtree for every key but those said to publish nothing; remembers each growth."""

    def __init__(self, *nothing: Key) -> None:
        self.grown: list[Key] = []
        self.nothing = set(nothing)

    def grow(self, key: Key) -> Subtree | None:
        """Return a subtree with one name below the service's."""
        self.grown.append(key)
        if key in self.nothing:
            return None
        below = {b"_tcp": Node({}, {b"_http": Node()})}
        node = Node({A: RRset((), A, 30, (bytes((10, 0, 0, len(self.grown))),))}, below)
        return Subtree(node, {})


def test_a_service_is_found_by_its_labels() -> None:
    """ENT-8, ENT-12: its node, the names below, and nothing else."""
    tree = Tree(Garden().grow)
    tree.replace_all([WEB])

    assert tree.find(from_text("web.shop")) is not None
    assert tree.find(from_text("_tcp.web.shop")) == Node({}, {b"_http": Node()})
    assert tree.find(from_text("_http._tcp.web.shop")) == Node()
    assert tree.find(from_text("x.web.shop")) is None
    assert tree.find(from_text("a.x.web.shop")) is None
    assert tree.find(from_text("web.other")) is None
    assert tree.find(from_text("db.shop")) is None
    assert tree.service(b"shop", b"web") == WEB
    assert tree.service(b"shop", b"db") is None


def test_a_subtree_is_grown_when_it_is_asked_for_and_then_kept() -> None:
    """Records are made on demand: syncing makes none."""
    garden = Garden()
    tree = Tree(garden.grow)
    tree.replace_all([WEB])
    tree.replace_all([DB])
    assert garden.grown == []

    tree.find(from_text("web.shop"))
    tree.find(from_text("x.web.shop"))
    tree.subtree(WEB)

    assert garden.grown == [WEB]


def test_a_replaced_subtree_is_grown_anew() -> None:
    """LIF-8: whole, in the old one's place."""
    garden = Garden()
    tree = Tree(garden.grow)
    tree.replace_all([WEB])
    before = tree.find(from_text("web.shop"))

    tree.replace_all([WEB])

    after = tree.find(from_text("web.shop"))
    assert after is not before
    assert garden.grown == [WEB, WEB]


def test_that_a_service_publishes_nothing_is_remembered_too() -> None:
    """HDL-2: a headless service without endpoints is asked for again and again."""
    garden = Garden(WEB)
    tree = Tree(garden.grow)
    tree.replace_all([WEB])

    assert tree.find(from_text("web.shop")) is None
    assert tree.find(from_text("x.web.shop")) is None
    assert tree.subtree(WEB) is None
    assert tree.service(b"shop", b"web") == WEB
    assert garden.grown == [WEB]


def test_a_removed_service_is_gone_and_its_namespace_stays() -> None:
    """ENT-5."""
    tree = Tree(Garden().grow)
    tree.replace_all([WEB])
    tree.find(from_text("web.shop"))

    tree.remove(WEB)

    assert tree.find(from_text("web.shop")) is None
    assert tree.has_namespace(b"shop")


def test_removing_what_is_not_there_changes_nothing() -> None:
    """F-18: DELETED for unknown."""
    tree = Tree(Garden().grow)

    tree.remove(WEB)
    tree.remove_namespace("shop")

    assert not tree.has_namespace(b"shop")


def test_a_removed_namespace_takes_its_services_along() -> None:
    """LIF-18; what comes back is grown anew."""
    garden = Garden()
    tree = Tree(garden.grow)
    tree.replace_all([WEB])
    tree.find(from_text("web.shop"))

    tree.remove_namespace("shop")

    assert not tree.has_namespace(b"shop")
    assert tree.find(from_text("web.shop")) is None
    tree.subtree(WEB)
    assert garden.grown == [WEB, WEB]


def test_a_namespace_exists_without_a_service() -> None:
    """ENT-5; adding it again empties nothing."""
    tree = Tree(Garden().grow)
    tree.add_namespace("void")
    tree.replace_all([WEB])
    tree.add_namespace("shop")

    assert tree.has_namespace(b"void")
    assert tree.find(from_text("web.void")) is None
    assert tree.find(from_text("web.shop")) is not None


def remembering(
    grown: list[Key], grow: Callable[[Key], Subtree]
) -> Callable[[Key], Subtree | None]:
    """Return ``grow`` that notes what was grown."""

    def noting(key: Key) -> Subtree:
        grown.append(key)
        return grow(key)

    return noting


def a_crowd(_: Key) -> Subtree:
    """Return the subtree of a service with as many addresses as fit three times at once."""
    count = MOST_GROWN // 3 - 1
    return Subtree(Node(), {}, count)


def test_the_oldest_subtrees_make_room_when_too_much_was_asked_for() -> None:
    """F-41: a sweep over the whole cluster does not keep all of its records."""
    grown: list[Key] = []
    tree = Tree(remembering(grown, a_crowd))
    keys = [Key("shop", name) for name in ("a", "b", "c", "d")]
    for key in keys:
        tree.replace_all([key])
        tree.subtree(key)

    tree.subtree(keys[3])
    tree.subtree(keys[1])
    assert grown == keys
    tree.subtree(keys[0])
    assert grown == [*keys, keys[0]]


def test_what_was_replaced_counts_no_more() -> None:
    """F-41: changes alone let nothing go."""
    grown: list[Key] = []
    tree = Tree(remembering(grown, a_crowd))
    tree.replace_all([WEB])
    tree.subtree(WEB)
    for _ in range(5):
        tree.replace_all([DB])
        tree.subtree(DB)

    tree.subtree(WEB)
    assert grown == [WEB, *[DB] * 5]


def test_a_subtree_larger_than_the_bound_is_kept_alone() -> None:
    """HDL-14: one service may be larger than that; it is grown once for all its questions."""
    grown: list[Key] = []
    huge = Subtree(Node(), {}, MOST_GROWN + 1)
    tree = Tree(remembering(grown, lambda _: huge))
    tree.replace_all([WEB])

    assert tree.subtree(WEB) is tree.subtree(WEB)
    assert grown == [WEB]


def test_a_part_is_made_when_it_is_asked_for_and_once() -> None:
    """Records are made on demand: who asks for addresses does not wait for SRV records."""
    made: list[str] = []

    def make() -> str:
        made.append("b")
        return "B"

    found = OnDemand({"a": "A"}, {"b": make})

    assert found["a"] == "A"
    assert found.get("c") is None
    assert "c" not in found
    assert (list(found), len(found), made) == (["a", "b"], 2, [])
    assert found["b"] == found["b"] == "B"
    assert (dict(found), len(found), made) == ({"a": "A", "b": "B"}, 2, ["b"])


def test_values_are_made_alone_unless_somebody_walks_over_all() -> None:
    """Who asks for one name does not wait for 5,000."""
    whole = {number: str(number) for number in range(100)}
    made: list[str] = []

    def one(key: int) -> str | None:
        made.append("one")
        return whole.get(key)

    def all_of_them() -> dict[int, str]:
        made.append("all")
        return whole

    found = OneByOne(one, all_of_them)
    assert [found.get(key) for key in (1, 2, -1)] == ["1", "2", None]
    assert made == ["one"] * 3
    assert ([*iter(found)], len(found)) == ([*whole], 100)
    assert made == ["one"] * 3 + ["all"] * 2
    assert dict(found) == whole
