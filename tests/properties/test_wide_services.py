"""A Service of several slices after any history of changes is what a fresh zone makes of it.

The law: what was made of slices that did not change is not made anew (``cluster/parts.py``), and
nobody can tell. After each commit every name below the Service, every pointer and what the commit
says has changed equal those of a zone that has only seen the objects as they are. Slices share
addresses, ready in one and not in another; hostnames; families; and the Service changes its mind.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from kubedns_py.cluster.objects import Endpoints, Key, Object, Pod, Service
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.store import Store
from kubedns_py.dns.name import Name
from kubedns_py.dns.rrset import RRset
from kubedns_py.zone.naming import Naming, dashed, hash_label
from kubedns_py.zone.publishing import Publishing
from kubedns_py.zone.tree import Node
from kubedns_py.zone.zone import Committed, Visibility, Zone
from tests.helpers.namings import NAMINGS, PUBLISHING
from tests.helpers.objects import a_pod, a_service, a_subset, address, an_endpoints

HOSTS = ("10.1.0.1", "10.1.0.2", "10.1.0.3", "fd00::1", "::1", "10.96.0.1")
WORDS = ("", "", "", " not-ready", " serving", " hostname=db-0", " hostname=10-1-0-2", " pod=p-1")
PORTS = ("http:80/tcp", "http:81/tcp", ":90/udp", "none:0/tcp")
OWN = (b"db", b"shop")
SERVICES = (
    a_service("db.shop", headless=True, selector={"app": "db"}),
    a_service("db.shop", headless=True, publish_not_ready=True, selector={"app": "db"}),
    a_service("db.shop", cluster_ips=["10.96.0.1"], ports=["http:80/tcp"]),
    a_service("db.shop", cluster_ips=["10.96.0.1", "fd00::1"], publish_not_ready=True),
    a_service("db.shop", external_name="example.org"),
    a_service(f"{'w' * 40}.shop", headless=True),
)
OTHER = a_service("web.shop", headless=True)

ENDPOINT = st.builds(str.__add__, st.sampled_from(HOSTS), st.sampled_from(WORDS))
SUBSET = st.builds(
    a_subset,
    st.lists(ENDPOINT, max_size=3),
    st.lists(st.sampled_from(PORTS), unique=True, max_size=2),
)


def some_endpoints(names: tuple[str, ...], most: int) -> st.SearchStrategy[Endpoints]:
    """Return a strategy of slices, or v1 Endpoints, of either Service."""
    return st.builds(
        lambda name, of, subsets: an_endpoints(of, subsets=subsets, name=name),
        st.sampled_from(names),
        st.sampled_from(["db.shop", "db.shop", "db.shop", "web.shop", f"{'w' * 40}.shop"]),
        st.lists(SUBSET, min_size=1, max_size=most),
    )


PODS = st.builds(
    lambda name, host, is_ready: a_pod(name, [host], ready=is_ready, labels={"app": "db"}),
    st.sampled_from(["p.shop", "q.shop"]),
    st.sampled_from(HOSTS[:3]),
    st.booleans(),
)
CHANGE = st.one_of(
    st.sampled_from([*SERVICES, OTHER]).map(lambda each: (Resource.SERVICES, each)),
    *[some_endpoints(("a", "b", "c"), 1).map(lambda each: (Resource.ENDPOINTSLICES, each))] * 4,
    some_endpoints(("db", "web"), 2).map(lambda each: (Resource.ENDPOINTS, each)),
    PODS.map(lambda each: (Resource.PODS, each)),
)
REMOVAL = st.sampled_from(
    [
        *((Resource.ENDPOINTSLICES, Key("shop", name)) for name in "abc"),
        (Resource.ENDPOINTS, Key("shop", "db")),
        (Resource.SERVICES, Key("shop", "db")),
        (Resource.PODS, Key("shop", "p")),
    ]
)
HISTORY = st.lists(
    st.tuples(st.lists(st.one_of(CHANGE, CHANGE, REMOVAL), min_size=1, max_size=3), st.booleans()),
    min_size=1,
    max_size=12,
)


def _labels() -> list[Name]:
    packed = list(map(address, HOSTS))
    labels = {*map(dashed, packed), *map(hash_label, packed), b"db-0", b"p-1", b"x"}
    ports = [(port, protocol) for port in (b"_http", b"_none") for protocol in (b"_tcp", b"_udp")]
    return [(), *((label,) for label in sorted(labels)), (b"_tcp",), *ports]


LABELS = _labels()
SERVICE_PATHS: list[Name] = [OWN, (b"web", b"shop"), (b"w" * 40, b"shop")]


class Cluster:
    """A store with a zone over it."""

    def __init__(self, naming: Naming, publishing: Publishing) -> None:
        self._store = Store(lambda: None, endpoints_from_pods=True)
        self._zone = Zone(self._store, naming, publishing, Visibility())

    def change(self, changes: Iterable[tuple[Resource, Object | Key]]) -> None:
        """Put or remove objects."""
        for resource, what in changes:
            if isinstance(what, Service | Endpoints | Pod):
                self._store.put(resource, what)
            elif isinstance(what, Key) and what in self._store.keys(resource):
                self._store.remove(resource, what)

    def commit(self) -> Committed:
        """Bring the zone up to date; return what it says has changed."""
        committed = Committed()
        self._zone.commit(self._store.take_changes(), 1.0, committed)
        return committed

    def fresh(self, naming: Naming, publishing: Publishing) -> Cluster:
        """Return one that has only seen the objects as they are."""
        other = Cluster(naming, publishing)
        for resource in Resource:
            for key in sorted(self._store.keys(resource)):
                item = self._store.get(resource, key)
                assert item is not None
                other._store.put(resource, item)
        other.commit()
        return other

    def records(self) -> dict[Name, list[RRset] | None]:
        """Return what every name has, SRV with what stands beside it."""
        return {
            (*labels, *path): _rrsets(self._zone.find((*labels, *path)))
            for path in SERVICE_PATHS
            for labels in LABELS
        }

    def pointers(self) -> dict[str, tuple[Name, ...]]:
        """Return what every address points at."""
        return {each: self._zone.pointers(address(each), "all") for each in HOSTS}

    def holders(self) -> dict[str, tuple[Key, ...]]:
        """Return which Services hold an address."""
        return {each: self._zone.pointer_services(address(each)) for each in HOSTS}


def _rrsets(node: Node | None) -> list[RRset] | None:
    if node is None:
        return None
    return [node.rrsets[rtype] for rtype in sorted(node.rrsets)]


@settings(max_examples=150, deadline=None)
@given(HISTORY, NAMINGS, PUBLISHING)
def test_what_is_kept_of_slices_is_what_they_make(
    history: list[tuple[list[tuple[Resource, Object | Key]], bool]],
    naming: Naming,
    publishing: Publishing,
) -> None:
    """HDL-5, HDL-8 to HDL-12, HDL-18, PTR-9, F-18, F-26: slices, v1 Endpoints and Pods alike."""
    cluster = Cluster(naming, publishing)
    for changes, asks_before in history:
        before = cluster.holders()
        cluster.change(changes)
        if asks_before:
            cluster.records()  # grows from what is not committed yet
        committed = cluster.commit()
        fresh = cluster.fresh(naming, publishing)

        assert cluster.records() == fresh.records()
        assert cluster.pointers() == fresh.pointers()
        for text, holders in cluster.holders().items():
            assert holders == fresh.holders()[text]
            if set(holders) - set(before[text]):
                assert address(text) in committed.addresses


@settings(max_examples=100, deadline=None)
@given(st.lists(CHANGE, min_size=1, max_size=8), NAMINGS, PUBLISHING)
def test_no_name_has_a_record_twice_while_a_change_waits_to_be_committed(
    changes: list[tuple[Resource, Object]], naming: Naming, publishing: Publishing
) -> None:
    """ENV-11, RFC 2181, 5.5: what the index knows is only of what was committed."""
    cluster = Cluster(naming, publishing)
    for each in [(Resource.SERVICES, SERVICES[0]), *changes]:
        cluster.change([each])
        for rrsets in cluster.records().values():
            for rrset in rrsets or ():
                assert len(rrset.rdatas) == len(set(rrset.rdatas))
        cluster.commit()
