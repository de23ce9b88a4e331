"""What a rule may look at: the question, the zones, what is known so far, and the policy."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from kubedns_py.cluster.objects import Address, Key
from kubedns_py.cluster.selector import Selector
from kubedns_py.cluster.store import Store
from kubedns_py.dns.name import Name, Suffixes
from kubedns_py.dns.render import Reply
from kubedns_py.dns.reverse import Network, reverse_zones
from kubedns_py.structs import Struct
from kubedns_py.zone.zone import Zone

_KUBE_DNS = Key("kube-system", "kube-dns")


class Known(enum.Enum):
    """How much of the cluster was synced at least once."""

    NOTHING = "waiting for the first complete sync"
    WITHOUT_ENDPOINTS = "the API server refuses the endpoints, the services are known"
    ALL = "everything was synced"


class Policy(Struct, frozen=True):
    """Choices of the operator that decide answers.

    Attributes:
        negative_ttl: seconds, 0 to 3600, of NXDOMAIN and NODATA.
        pods: POD-1 to POD-9.
        pointers: which names an address points at.
        pod_pointers: an address in no service points at its pod's dashed name (PTR-8).
        local_networks: reverse names inside are ours alone: unknown ones do not exist.
        private_networks: the same, but a stub domain may take them.
        dns_service: the Service whose addresses ``ns.dns.D`` has.
        chaos: whether ``version.bind`` and ``id.server`` are answered (ENV-23).
        forwards: whether there is somebody to ask for the names that are not ours.
        search_completion: which namespaces have the first step of a search answered with its last.
    """

    negative_ttl: int = 5
    pods: Literal["insecure", "verified", "disabled"] = "insecure"
    pointers: Literal["all", "hostname", "first"] = "all"
    pod_pointers: bool = False
    local_networks: tuple[Network, ...] = ()
    private_networks: tuple[Network, ...] = ()
    dns_service: Key = _KUBE_DNS
    chaos: tuple[tuple[Name, str], ...] = ()
    forwards: bool = False
    search_completion: Selector | None = None


@dataclass(slots=True)
class View:
    """What questions are answered from.

    Attributes:
        zones: at least one; pointers name the first one's names.
        known: changed by whoever watches the sync.
        stale: whether the data is older than the operator allows; changed by the same.
        stub_domains: names that somebody else answers for, and all below them; changed by whoever
            reads the configuration.
        search_ends_here: whether a pod's search list ends with the cluster's own domains, so that
            the absolute name is what follows (the node has no search domains of its own).
        denials: by rcode and apex, for which serial and what: made ready by ``answers.py``.
        local_reverse: the reverse zones of the local networks.
        own_reverse: the same, and those of the private ones.
    """

    zones: tuple[Zone, ...]
    store: Store
    policy: Policy
    known: Known = Known.NOTHING
    stale: bool = False
    stub_domains: frozenset[Name] = frozenset()
    search_ends_here: bool = True

    denials: dict[tuple[int, Name], tuple[int, Reply]] = field(default_factory=dict, repr=False)
    local_reverse: Suffixes[Name] = field(init=False, repr=False)
    own_reverse: Suffixes[Name] = field(init=False, repr=False)
    _by_apex: Suffixes[Zone] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._by_apex = Suffixes({zone.apex: zone for zone in reversed(self.zones)})
        local, private = self.policy.local_networks, self.policy.private_networks
        self.local_reverse = _reverse(local)
        self.own_reverse = _reverse(local + private)

    def stub_of(self, name: Name) -> Name | None:
        """Return the longest stub domain, by labels, that a name is in."""
        if self.stub_domains:
            for index in range(len(name)):
                if name[index:] in self.stub_domains:
                    return name[index:]
        return None

    def zone_of(self, name: Name) -> Zone | None:
        """Return the zone that a name is in, the longest one by labels."""
        return self._by_apex.longest(name)


def _reverse(networks: Iterable[Network]) -> Suffixes[Name]:
    zones = chain.from_iterable(map(reverse_zones, networks))
    return Suffixes({zone: zone for zone in zones})


class Question(Struct, frozen=True, gc=False):
    """What is asked, and where it falls.

    Attributes:
        name: folded.
        zone: the zone that the name is in, or None.
        path: labels left of the zone's apex, leftmost first; empty at the apex and outside.
        asked: the address that the query was sent to, or empty octets.
        is_first: whether a client asks this itself and wants no DNSSEC records with it: what may be
            the first step of a search.
    """

    name: Name
    qtype: int
    qclass: int
    zone: Zone | None
    path: Name
    asked: Address
    is_first: bool = False


class Onward(Struct, frozen=True, gc=False):
    """Somebody else has to be asked before there is an answer.

    Attributes:
        name: what to ask for, in the type of the question.
        question: what a client asked.
    """

    name: Name
    question: Question


class Resolution(Struct, frozen=True, gc=False):
    """What a question gets, and which rule said so.

    Attributes:
        reply: what is said; where somebody has to be asked first, what comes before that.
        zone: the zone for metrics: one of ours, a reverse apex, a stub domain, the root for other
            names that are forwarded; None for what nobody looked up.
        rule: the deciding rule's name.
        alias: the target that is still to be followed, for a name that is an alias.
        onward: who has to be asked for what; see ``complete.py``.
    """

    reply: Reply
    zone: Name | None
    rule: str
    alias: Name | None = None
    onward: Onward | None = None
