"""The tree cache: nodes by label path, from the apex down.

Rules of this file:

- A node exists or it does not; an existing node without records is an empty non-terminal, which
  answers NODATA and never NXDOMAIN (RFC 8020, 2; RFC 4592, 2.2.2).
- A service's subtree is replaced as a whole. What is replaced is only marked: the subtree is grown
  when a name in it is first asked, so that syncing 100,000 endpoints makes no record.
- Nodes are never changed once they can be found; what is made of one later, when it is asked for,
  is what it was from the start.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple, TypeVar

from kubedns_py.cluster.objects import Address, Key
from kubedns_py.dns.name import Name
from kubedns_py.dns.rrset import RRset
from kubedns_py.structs import Struct, field

_K = TypeVar("_K")
_V = TypeVar("_V")


class OnDemand(Mapping[_K, _V]):
    """A mapping of which a part is made when it is first asked for.

    Args:
        ready: what is there from the start.
        later: makes the value of each further key.
    """

    __slots__ = ("_later", "_ready")

    def __init__(self, ready: dict[_K, _V], later: dict[_K, Callable[[], _V]]) -> None:
        self._ready = ready
        self._later = later

    def __getitem__(self, key: _K) -> _V:
        found = self._ready.get(key)
        if found is None:
            found = self._ready[key] = self._later[key]()
            del self._later[key]
        return found

    def __contains__(self, key: object) -> bool:
        return key in self._ready or key in self._later

    def __iter__(self) -> Iterator[_K]:
        return iter([*self._ready, *self._later])

    def __len__(self) -> int:
        return len(self._ready) + len(self._later)


class OneByOne(Mapping[_K, _V]):
    """A mapping whose values are made alone, each time; whoever walks over it has all made.

    Args:
        one: makes the value of a key; None where there is none.
        whole: makes all, at many times the cost.
    """

    __slots__ = ("_one", "_whole")

    def __init__(
        self, one: Callable[[_K], _V | None], whole: Callable[[], Mapping[_K, _V]]
    ) -> None:
        self._one = one
        self._whole = whole

    def __getitem__(self, key: _K) -> _V:
        found = self._one(key)
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[_K]:
        return iter(self._whole())

    def __len__(self) -> int:
        return len(self._whole())


class Node(Struct):
    """A name: its RRsets by type, and the names directly below it by label."""

    rrsets: Mapping[int, RRset] = field(default_factory=dict)
    children: Mapping[bytes, Node] = field(default_factory=dict)


class PointerKind(enum.IntEnum):
    """What a pointer's target is called by."""

    SERVICE = 0
    HEADLESS_HOSTNAME = 1
    HOSTNAME = 2
    ADDRESS = 3


class Pointer(NamedTuple):
    """A target that an address's PTR record may have."""

    kind: PointerKind
    target: Name


class Subtree(Struct, frozen=True):
    """What one service makes: its node, and the targets that its addresses point at.

    Attributes:
        addresses: about how many it has, whether or not anything was made of them yet.
    """

    node: Node
    pointers: Mapping[Address, tuple[Pointer, ...]]
    addresses: int = 0


MOST_GROWN: Final = 50_000
"""Addresses in all grown subtrees together, at about 1.2 KB each, before the oldest are let go.

Our choice: nobody asks for more within a moment but who walks the whole cluster, and a sweep over
all pointers must not make the memory of all records ours.
"""


class Tree:
    """The services of one zone, by namespace and name; grown on demand.

    Args:
        grow: derives a service's subtree from the store; None when it publishes no name.
    """

    def __init__(self, grow: Callable[[Key], Subtree | None]) -> None:
        self._grow = grow
        self._namespaces: dict[bytes, dict[bytes, Key]] = {}
        self._grown: dict[Key, Subtree | None] = {}
        self._weight = 0

    def add_namespace(self, namespace: str) -> None:
        """Make ``N.svc.D`` exist."""
        self._namespaces.setdefault(namespace.encode(), {})

    def remove_namespace(self, namespace: str) -> None:
        """Remove a namespace and all services in it."""
        for key in self._namespaces.pop(namespace.encode(), {}).values():
            self._forget(key)

    def replace_all(self, keys: Iterable[Key]) -> None:
        """Put new subtrees of services in the place of their old ones."""
        namespaces = self._namespaces
        for key in keys:
            namespace = namespaces.setdefault(key.namespace.encode(), {})
            namespace[key.name.encode()] = key
            self._forget(key)

    def remove(self, key: Key) -> None:
        """Remove a service's subtree. Its namespace stays until it is removed."""
        self._namespaces.get(key.namespace.encode(), {}).pop(key.name.encode(), None)
        self._forget(key)

    def has_namespace(self, label: bytes) -> bool:
        """Tell whether ``N.svc.D`` exists."""
        return label in self._namespaces

    def service(self, namespace: bytes, name: bytes) -> Key | None:
        """Return the key of a service that is in the tree, whether or not it publishes a name."""
        return self._namespaces.get(namespace, {}).get(name)

    def subtree(self, key: Key) -> Subtree | None:
        """Return a service's subtree, growing it if it was not asked for since it changed."""
        if key not in self._grown:
            subtree = self._grow(key)
            self._weight += _weight(subtree)
            while self._grown and self._weight > MOST_GROWN:
                self._forget(next(iter(self._grown)))
            self._grown[key] = subtree
        return self._grown[key]

    def _forget(self, key: Key) -> None:
        if key in self._grown:
            self._weight -= _weight(self._grown.pop(key))

    def find(self, path: Name) -> Node | None:
        """Return the node of a name below ``svc.D``.

        Args:
            path: labels left of ``svc``, leftmost first: ``(b"_http", b"_tcp", b"web", b"shop")``;
                at least two.
        """
        key = self.service(path[-1], path[-2])
        subtree = self.subtree(key) if key else None
        node = subtree.node if subtree else None
        for label in reversed(path[:-2]):
            if node is None:
                return None
            node = node.children.get(label)
        return node


def _weight(subtree: Subtree | None) -> int:
    """Return what a subtree counts for: its addresses, and one for the service."""
    return 1 + (subtree.addresses if subtree else 0)
