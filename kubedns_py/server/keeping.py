"""What is in the answer tables: what enters, what it depends on, what leaves.

Rules of this file:

- A question enters when it is asked for the second time within a while, so names that are asked
  once push nothing out and cost nothing.
- Own data, what others said, and denials have bounds in octets of their own.
- An entry leaves with the first change of anything that it depends on. What depends on more than
  is kept count of here (``dependencies``) does not enter.
- Whoever has copies of the tables learns of all this by ``Listener``, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, Generic, Protocol, TypeVar

from kubedns_py.cluster.objects import Address, Key
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import Name
from kubedns_py.resolver.dependencies import Dependencies
from kubedns_py.resolver.view import Known, View
from kubedns_py.server.answers import MOST_KEYS, AnswerTable
from kubedns_py.server.arrival import IPV4, IPV6
from kubedns_py.server.doorkeeper import Doorkeeper
from kubedns_py.server.entry import Content, Entry, Facts
from kubedns_py.server.retention import Retention

_KEY_OCTETS: Final = 150
"""Memory of a key beside its octets."""
_OWN, _FOREIGN, _DENIALS = 0, 1, 2
_KINDS: Final = ("own", "other", "denial")
_SHARES: Final = {True: (4, 2, 2), False: (6, 0, 2)}
"""Eighths of the room, with others' answers and without any."""

_Token = TypeVar("_Token", Key, Address)


class Upstreams(Protocol):
    """Where answers of others come from."""

    @property
    def generation(self) -> int:
        """Grows whenever what was answered before may not be answered any more."""

    def credit(self, ask: Ask, hits: int) -> None:
        """Learn that an answer was given that many times more."""


class Listener(Protocol):
    """Keeps copies of the tables."""

    def entered(self, number: int, key: bytes, content: Content) -> None:
        """Learn that an entry is found by one more query, which is given without its ID."""

    def left(self, numbers: Sequence[int]) -> None:
        """Learn which entries are not found any more."""

    def forgot(self) -> None:
        """Learn that no entry is."""

    def counted(self, serials: Sequence[int]) -> None:
        """Learn the zones' serials, which count on with each change."""


class Keeper:
    """The tables of both address families, and what they hold.

    Args:
        view: what own answers are resolved from.
        upstreams: where others come from, if they do.
        clock: monotonic seconds.
        count: counts uses: of what, how many, seconds that one took.
        octets: bound of the memory that all entries take together, by estimate.
    """

    def __init__(
        self,
        view: View,
        upstreams: Upstreams | None,
        clock: Callable[[], float],
        count: Callable[[Facts, int, float], None],
        octets: int,
    ) -> None:
        self.listener: Listener | None = None
        self._view = view
        self._upstreams = upstreams
        self._count = count
        self._entries: dict[bytes, Entry] = {}
        self._numbers = 0
        self._by_key = _Index[Key]()
        self._by_address = _Index[Address]()
        self._doorkeeper = Doorkeeper()
        self._shares = tuple(
            Retention(octets * eighths // 8, self._was_used)
            for eighths in _SHARES[upstreams is not None]
        )
        self._standing = self._standing_now()
        serials = self.serials
        self.tables = {family: AnswerTable(self, clock, serials) for family in (IPV4, IPV6)}

    def __len__(self) -> int:
        return len(self._entries)

    # -- using

    def find(self, fold: bytes, now: float) -> Entry | None:
        """Return the entry of all queries with the same ``folded``, its replies made those of now.

        Args:
            fold: see there.
            now: monotonic seconds.
        """
        self.look()
        entry = self._entries.get(fold)
        if entry is None or (
            now >= entry.due and not self.tables[entry.content.facts.family].renew(entry, now)
        ):
            return None
        return entry

    def wants(self, fold: bytes) -> bool:
        """Tell whether an answer is worth being kept: it was asked for before, and not long ago."""
        return self._doorkeeper.knows(fold)

    # -- changing

    def keep(
        self, fold: bytes, content: Content, depends: Dependencies | None = None
    ) -> Entry | None:
        """Keep an answer, unless it is too large.

        Args:
            fold: what it is found by.
            content: what is kept.
            depends: what it ends with, apart from its time.
        """
        self.look()
        before = self._entries.get(fold)
        if before is not None:
            self._leave([before])
        self._numbers += 1
        entry = Entry(self._numbers, content, depends)
        entry.size_octets += len(fold) + _KEY_OCTETS
        left = self._share(entry).make_room(entry.size_octets)
        if left is None:
            return None
        self._leave(left, have_left=True)
        self._share(entry).add(entry)
        entry.fold = fold
        self._entries[fold] = entry
        self.tables[content.facts.family].put(entry)
        if depends is not None:
            self._by_key.add(depends.keys, entry)
            self._by_address.add(depends.addresses, entry)
        return entry

    def find_by(self, entry: Entry, key: bytes) -> None:
        """Have an entry found by the octets of one more query, without its ID."""
        if key in entry.keys:
            return
        if len(entry.keys) < MOST_KEYS:  # else it takes the place of another one, as long as it
            self._share(entry).grow(entry, len(key) + _KEY_OCTETS)
        self.tables[entry.content.facts.family].put(entry, key)
        if self.listener is not None:
            self.listener.entered(entry.number, key, entry.content)

    def drop(self, keys: AbstractSet[Key], addresses: AbstractSet[Address]) -> None:
        """Let all go that depends on what changed, and learn the serials that came with it."""
        self._leave({*self._by_key.of(keys), *self._by_address.of(addresses)})
        serials = self.serials
        for table in self.tables.values():
            table.take_serials(serials)
        if self.listener is not None:
            self.listener.counted(serials)

    def forget_all(self) -> None:
        """Let everything go."""
        self._standing = self._standing_now()
        for table in self.tables.values():
            table.clear()
        for share in self._shares:
            share.clear()
        self._entries.clear()
        self._by_key.clear()
        self._by_address.clear()
        if self.listener is not None:
            self.listener.forgot()

    # -- what tables ask of their owner

    def look(self) -> None:
        """Let everything go if what is known, or who is asked, is not what it was."""
        view, upstreams = self._view, self._upstreams
        known, stale, stub_domains, search_ends_here, generation = self._standing
        if (  # the tuple is not made anew, as this is looked at for each burst and each question
            view.known is known
            and view.stale is stale
            and view.stub_domains is stub_domains
            and view.search_ends_here is search_ends_here
            and (upstreams is None or upstreams.generation == generation)
        ):
            return
        self.forget_all()

    def ended(self, entry: Entry) -> None:
        """Let an entry go."""
        self._leave([entry])

    def count(self, entry: Entry, times: int, seconds: float) -> None:
        """Count uses of an entry."""
        self._count(entry.content.facts, times, seconds)

    # -- for copies

    def credit(self, number: int, facts: Facts, times: int, seconds: float) -> None:
        """Count uses of a copy of an entry, which may have left meanwhile."""
        self._count(facts, times, seconds)
        for share in self._shares:
            entry = share.get(number)
            if entry is not None:
                entry.is_used = True

    @property
    def holdings(self) -> dict[str, tuple[int, int]]:
        """How many entries of each kind there are, and their octets; any thread may ask."""
        pairs = zip(_KINDS, self._shares, strict=True)
        return {kind: (len(share), share.octets) for kind, share in pairs}

    @property
    def serials(self) -> list[int]:
        """The zones' serials, by number."""
        return [zone.serial for zone in self._view.zones]

    def replay(self) -> Iterator[tuple[int, bytes, Content]]:
        """Yield what ``entered`` said of all that is there, for somebody who has just come.

        That may take a while: what leaves meanwhile is not said any more, and what enters is told
        to the listener.
        """
        for entry in list(self._entries.values()):
            for key in entry.keys:
                if self._entries.get(entry.fold) is entry:
                    yield entry.number, key, entry.content

    def _standing_now(self) -> tuple[Known, bool, frozenset[Name], bool, int]:
        view, upstreams = self._view, self._upstreams
        generation = 0 if upstreams is None else upstreams.generation
        return view.known, view.stale, view.stub_domains, view.search_ends_here, generation

    def _share(self, entry: Entry) -> Retention:
        if entry.content.is_denial:
            return self._shares[_DENIALS]
        return self._shares[_OWN if entry.content.facts.ask is None else _FOREIGN]

    def _was_used(self, entry: Entry) -> bool:
        self.tables[entry.content.facts.family].settle_one(entry)
        was_used, entry.is_used = entry.is_used, False
        return was_used

    def _leave(self, entries: Iterable[Entry], *, have_left: bool = False) -> None:
        """Let entries go; ``have_left``: those whose share has let them go already."""
        known = []
        for entry in entries:
            del self._entries[entry.fold]
            if not have_left:
                self._share(entry).discard(entry)
            if entry.depends is not None:
                self._by_key.discard(entry.depends.keys, entry)
                self._by_address.discard(entry.depends.addresses, entry)
            if entry.keys:
                known.append(entry.number)
            self.tables[entry.content.facts.family].discard(entry)
        if known and self.listener is not None:
            self.listener.left(known)


class _Index(Generic[_Token]):
    """Entries by what they depend on."""

    def __init__(self) -> None:
        self._entries: dict[_Token, set[Entry]] = {}

    def of(self, tokens: AbstractSet[_Token]) -> list[Entry]:
        """Return what depends on any of the tokens."""
        known = self._entries.keys() & tokens  # walks through the smaller one
        return [entry for token in known for entry in self._entries[token]]

    def add(self, tokens: Iterable[_Token], entry: Entry) -> None:
        for token in tokens:
            self._entries.setdefault(token, set()).add(entry)

    def discard(self, tokens: Iterable[_Token], entry: Entry) -> None:
        for token in tokens:
            entries = self._entries[token]
            entries.discard(entry)
            if not entries:
                del self._entries[token]

    def clear(self) -> None:
        self._entries.clear()
