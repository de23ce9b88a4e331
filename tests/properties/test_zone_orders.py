"""Whatever order the cluster's events come in, the zone ends where a fresh one would begin.

The law: after any puts and removals, repeated and out of order, with commits, questions and relists
anywhere between, every answer equals that of a zone built from the final objects alone. Only the
serial differs. Asked are the names of the final objects and of those that are gone.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kubedns_py.cluster.objects import Address, Endpoints, Key, Namespace, Object, Pod, Service
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.selector import parse_selector
from kubedns_py.cluster.store import Store
from kubedns_py.dns.name import Name, from_text
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import AAAA, ANY, CNAME, IN, PTR, SOA, SRV, TXT, A, RRset
from kubedns_py.resolver.resolve import resolve
from kubedns_py.resolver.view import Known, Policy, View
from kubedns_py.zone.naming import Naming
from kubedns_py.zone.publishing import Publishing
from kubedns_py.zone.zone import Visibility, Zone
from tests.helpers.listing import replace_all
from tests.helpers.objects import a_namespace, a_pod, a_service, a_subset, an_endpoints

APEX = from_text("cluster.local")
TYPES = (A, AAAA, SRV, PTR, CNAME, TXT, ANY)
NOBODY = Address(b"")
SERIAL = slice(-20, -16)

# Every state that an object may be in; one of each key at a time. Two namespaces, one of which may
# be hidden; services that change their kind; endpoints that move and share addresses.
SERVICES = (
    a_service("web.shop", cluster_ips=["10.96.0.10"], ports=["http:80/tcp"]),
    a_service("web.shop", cluster_ips=["10.96.0.11", "fd00::b"], ports=["https:443/tcp"]),
    a_service("web.shop", cluster_ips=["fd00::b"], ports=["http:80/udp", ":81/tcp"]),
    a_service("web.shop", headless=True, ports=["http:80/tcp"], selector={"app": "web"}),
    a_service("web.shop", headless=True, publish_not_ready=True),
    a_service("web.shop", external_name="db.shop.svc.cluster.local"),
    a_service("web.shop", external_name="example.org"),
    a_service("web.shop"),
    a_service("db.shop", headless=True, ports=["pg:5432/tcp"]),
    a_service("db.shop", cluster_ips=["10.96.0.10"], ports=["pg:5432/tcp"]),
    a_service("db.shop", external_name="web.shop.svc.cluster.local"),
    a_service("web.dark", cluster_ips=["10.96.0.20"]),
    a_service("web.dark", headless=True, selector={"app": "web"}),
)
SLICES = (
    an_endpoints("web.shop", ["10.1.0.1", "10.1.0.2 hostname=web-0"], ["http:8080/tcp"]),
    an_endpoints("web.shop", ["10.1.0.1 not-ready", "10.1.0.3 pod=web-abc"], ["http:8081/tcp"]),
    an_endpoints("db.shop", ["10.1.0.1 hostname=db-0"], name="web"),
    an_endpoints("web.shop", ["fd00::1:1 hostname=web-0", "::1"], ["http:8080/tcp"], name="web-6"),
    an_endpoints("db.shop", ["10.1.0.1 hostname=db-0", "10.1.0.2"], ["pg:5432/tcp"]),
    an_endpoints("db.shop", ["10.1.0.2 hostname=db-0"], ["pg:5433/tcp"]),
    an_endpoints("db.shop"),
    an_endpoints("web.dark", ["10.1.0.1 hostname=web-0"]),
)
ENDPOINTS = (
    an_endpoints(
        "web.shop", subsets=[a_subset(["10.1.0.9"], [":1/tcp"]), a_subset(["10.1.0.8 not-ready"])]
    ),
    an_endpoints("web.shop", ["10.1.0.2 hostname=web-0"]),
    an_endpoints("db.shop", ["10.1.0.1"]),
)
NAMESPACES = (
    a_namespace("shop", labels={"dns": "on"}),
    a_namespace("shop"),
    a_namespace("dark", labels={"dns": "on"}),
    a_namespace("dark", labels={"dns": "off"}),
    a_namespace("void", labels={"dns": "on"}),
)
PODS = (
    a_pod("p.shop", ["10.1.0.1", "fd00::1:1"], labels={"app": "web"}),
    a_pod("p.shop", ["10.1.0.2"], labels={"app": "web"}, ready=False),
    a_pod("p.shop"),
    a_pod("q.shop", ["10.1.0.1"], labels={"app": "web"}, hostname="web-9", subdomain="web"),
    a_pod("r.dark", ["10.1.0.1"], labels={"app": "web"}),
    a_pod("r.lonely", ["10.1.0.7"]),
)
STATES: dict[Resource, tuple[Object, ...]] = {
    Resource.SERVICES: SERVICES,
    Resource.ENDPOINTSLICES: SLICES,
    Resource.ENDPOINTS: ENDPOINTS,
    Resource.NAMESPACES: NAMESPACES,
    Resource.PODS: PODS,
}
SPACES = ("shop", "dark", "void", "lonely")


def _asked() -> tuple[Name, ...]:
    """Return every name that some state of some object makes, and their neighbours."""
    addresses = {
        address
        for each in (*SLICES, *ENDPOINTS)
        for subset in each.subsets
        for endpoint in subset.endpoints
        for address in endpoint.addresses
    }
    addresses |= {address for pod in PODS for address in pod.addresses}
    pods = {_dashed(address) for address in addresses}
    labels = pods | {"web-0", "web-9", "web-abc", "db-0", "_tcp", "_udp"}
    labels |= {f"_{port}._{proto}" for port in ("http", "https", "pg") for proto in ("tcp", "udp")}
    addresses |= {address for each in SERVICES for address in each.cluster_ips}
    owners = [f"{own}.{space}.svc" for own in ("web", "db") for space in ("shop", "dark")]
    texts = [f"{label}.{owner}" for owner in owners for label in sorted(labels)] + owners
    texts += [f"{space}.{branch}" for space in SPACES for branch in ("svc", "pod")]
    texts += [f"{label}.{space}.pod" for space in SPACES for label in sorted(pods)]
    forward = [from_text(f"{text}.cluster.local") for text in texts]
    reverse = [ipaddress.ip_address(each).reverse_pointer for each in sorted(addresses)]
    return (APEX, *forward, *map(from_text, reverse))


def _dashed(address: bytes) -> str:
    text = str(ipaddress.ip_address(address)).replace(".", "-").replace(":", "-")
    return f"0{text}" if text.startswith("-") else text


NAMES = _asked()


@dataclass(frozen=True)
class Settings:
    """How the zone is set up."""

    naming: Naming
    publishing: Publishing
    visibility: Visibility
    policy: Policy
    from_pods: bool


SETTINGS = st.builds(
    Settings,
    naming=st.builds(
        Naming,
        apex=st.just(APEX),
        ttl=st.just(30),
        endpoint_names=st.sampled_from(["dashed", "hash", "both"]),
        pod_names=st.booleans(),
    ),
    publishing=st.builds(
        Publishing,
        headless_empty=st.sampled_from(["nxdomain", "nodata"]),
        terminating=st.sampled_from(["exclude", "include-if-none-ready"]),
        ignore_empty_service=st.booleans(),
    ),
    visibility=st.sampled_from(
        [
            Visibility(),
            Visibility(labels=parse_selector("dns=on")),
            Visibility(names=frozenset({"shop", "void"})),
        ]
    ),
    policy=st.builds(
        Policy,
        pods=st.sampled_from(["insecure", "verified"]),
        pointers=st.sampled_from(["all", "hostname", "first"]),
        pod_pointers=st.booleans(),
    ),
    from_pods=st.booleans(),
)

PUTS = [(resource, each) for resource, states in STATES.items() for each in states]
KEYS = sorted({(resource, each.key) for resource, each in PUTS}, key=str)
STEP = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(PUTS)),
    st.tuples(st.just("remove"), st.sampled_from(KEYS)),
    st.tuples(st.just("commit"), st.none()),
    st.tuples(st.just("commit what is plain"), st.none()),
    st.tuples(st.just("ask"), st.sampled_from(NAMES)),
)
STEPS = st.lists(STEP, max_size=40)
OBJECTS = st.lists(st.sampled_from(PUTS), max_size=15)


class Cluster:
    """A store with one zone over it, and a model of what the store holds."""

    def __init__(self, settings_: Settings) -> None:
        self.objects: dict[tuple[Resource, Key], Object] = {}
        self._settings = settings_
        self._store = Store(lambda: None, endpoints_from_pods=settings_.from_pods)
        self._zone = Zone(self._store, settings_.naming, settings_.publishing, settings_.visibility)
        self._view = View((self._zone,), self._store, settings_.policy, Known.ALL)

    def take(self, steps: Iterable[tuple[str, object]]) -> None:
        """Do what the steps say, then commit."""
        for word, what in steps:
            match word, what:
                case "put", (
                    Resource() as resource,
                    Service() | Endpoints() | Namespace() | Pod() as item,
                ):
                    self._store.put(resource, item)
                    self.objects[resource, item.key] = item
                case "remove", (Resource() as resource, Key() as key):
                    self._store.remove(resource, key)
                    self.objects.pop((resource, key), None)
                case "ask", tuple() as name:
                    self.answer(name, ANY)  # grows what is not grown yet, committed or not
                case "commit what is plain", None:
                    self._zone.commit(self._store.take_plain(), now=1000.0)
                case _:
                    self.commit()
        self.commit()

    def relist(self, objects: Iterable[tuple[Resource, Object]], *, enter: bool = False) -> None:
        """Make every resource equal to a list, which may enter the store as it comes."""
        self.objects = {(resource, item.key): item for resource, item in objects}
        for resource in STATES:
            listed = {key: item for (of, key), item in self.objects.items() if of is resource}
            for _ in replace_all(self._store, resource, listed, enter=enter):
                self.commit()
        self.commit()

    def commit(self) -> None:
        """Bring the zone up to date."""
        self._zone.commit(self._store.take_changes(), now=1000.0)

    def fresh(self) -> Cluster:
        """Return a cluster that has only ever seen the final objects."""
        other = Cluster(self._settings)
        other.take(("put", (resource, item)) for (resource, _), item in self.objects.items())
        return other

    def answer(self, name: Name, qtype: int) -> Reply:
        """Return what one name says, without the serial."""
        resolution = resolve(name, qtype, IN, self._view, asked=NOBODY)
        return _without_serial(resolution.reply)

    def answers(self) -> dict[tuple[Name, int], Reply]:
        """Return what every name says, of every type."""
        return {(name, qtype): self.answer(name, qtype) for name in NAMES for qtype in TYPES}


def _without_serial(reply: Reply) -> Reply:
    return replace(reply, authority=tuple(map(_rrset_without_serial, reply.authority)))


def _rrset_without_serial(rrset: RRset) -> RRset:
    assert rrset.rtype == SOA
    (rdata,) = rrset.rdatas
    return replace(rrset, rdatas=(rdata[: SERIAL.start] + rdata[SERIAL.stop :],))


@settings(max_examples=30)
@given(SETTINGS, STEPS)
def test_any_order_of_events_ends_in_the_zone_of_the_final_objects(
    settings_: Settings, steps: list[tuple[str, object]]
) -> None:
    """F-18, F-20, F-26, LIF-1 to LIF-9, LIF-18."""
    cluster = Cluster(settings_)

    cluster.take(steps)

    assert cluster.answers() == cluster.fresh().answers()


@settings(max_examples=15)
@given(SETTINGS, STEPS, OBJECTS, STEPS, st.booleans())
def test_a_relist_at_any_point_equals_a_fresh_build(
    settings_: Settings,
    before: list[tuple[str, object]],
    listed: list[tuple[Resource, Object]],
    after: list[tuple[str, object]],
    enter: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    """F-18, F-25, LIF-10, LIF-14: what vanished while nobody watched is gone, pointers too."""
    cluster = Cluster(settings_)

    cluster.take(before)
    cluster.relist(listed, enter=enter)
    relisted = cluster.answers()
    fresh = cluster.fresh().answers()
    cluster.take(after)

    assert relisted == fresh
    assert cluster.answers() == cluster.fresh().answers()


@settings(max_examples=8)
@given(SETTINGS, st.permutations(PUTS[::3]), st.permutations(PUTS[::3]))
def test_two_orders_of_the_same_objects_give_the_same_answers(
    settings_: Settings,
    one: list[tuple[Resource, Object]],
    other: list[tuple[Resource, Object]],
) -> None:
    """Not only the same sets: the same order of records, pointers and targets."""
    first, second = Cluster(settings_), Cluster(settings_)
    kept = {(resource, item.key): item for resource, item in one}

    first.take(("put", each) for each in one)
    second.take(("put", each) for each in other if kept[each[0], each[1].key] == each[1])

    assert first.answers() == second.answers()


def test_the_asked_names_and_objects_have_answers_to_lose() -> None:
    """Guard of the guard: a zone of nothing would satisfy every law above."""
    plain = Settings(Naming(APEX, 30), Publishing(), Visibility(), Policy(), from_pods=False)
    cluster = Cluster(plain)
    cluster.take(("put", each) for each in PUTS)
    answered = [reply for reply in cluster.answers().values() if reply.answer]

    assert len(answered) > 60
    assert any(isinstance(item, Service) for item in cluster.objects.values())
