"""A zone through the life of its cluster: what is gone is gone, pointers and all (section 1.13)."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.objects import Endpoints, Key, Namespace, Object, Pod, Service
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.selector import parse_selector
from kubedns_py.cluster.store import Store
from kubedns_py.dns.name import from_text, to_text
from kubedns_py.dns.rrset import to_lines
from kubedns_py.zone.naming import Naming
from kubedns_py.zone.publishing import Publishing
from kubedns_py.zone.zone import Committed, Visibility, Zone
from tests.helpers.objects import (
    a_key,
    a_namespace,
    a_pod,
    a_service,
    address,
    an_endpoints,
)

RESOURCES: dict[type[Object], Resource] = {
    Service: Resource.SERVICES,
    Endpoints: Resource.ENDPOINTSLICES,
    Namespace: Resource.NAMESPACES,
    Pod: Resource.PODS,
}
WEB = a_service("web.shop", cluster_ips=["10.3.0.1"], ports=["http:80/tcp"])
DUAL = a_service("web.shop", cluster_ips=["10.3.0.1", "fd00::a"])
HEADLESS = a_service("web.shop", headless=True)
ALIAS = a_service("web.shop", external_name="example.org")
SLICE = an_endpoints("web.shop", ["10.1.0.1 hostname=web-0", "10.1.0.2"], ["http:8080/tcp"])
SLICE_6 = an_endpoints("web.shop", ["fd00::1:1"], name="web-6")
ON = Visibility(labels=parse_selector("dns=on"))


class Cluster:
    """A store and a zone that is brought up to date after every event."""

    def __init__(self, visibility: Visibility | None = None, *, domain: str = "d") -> None:
        self.store = Store(lambda: None)
        naming = Naming(from_text(domain), 30)
        self.zone = Zone(self.store, naming, Publishing(), visibility or Visibility())

    def put(self, *items: Object) -> None:
        """Let objects appear or change, in one commit."""
        for item in items:
            self.store.put(RESOURCES[type(item)], item)
        self.commit()

    def remove(self, *items: Object) -> None:
        """Let objects vanish, in one commit."""
        for item in items:
            self.store.remove(RESOURCES[type(item)], item.key)
        self.commit()

    def commit(self, now: float = 0.0) -> None:
        """Bring the zone up to date."""
        self.zone.commit(self.store.take_changes(), now)

    def records(self, name: str) -> list[str] | None:
        """Return the records of a name below ``svc.d``, or None when it does not exist."""
        node = self.zone.find(from_text(name))
        if node is None:
            return None
        return [line for rrset in node.rrsets.values() for line in to_lines(rrset)]

    def pointers(self, text: str) -> list[str]:
        """Return the targets of an address."""
        return [to_text(each) for each in self.zone.pointers(address(text), "all")]


@pytest.mark.parametrize("before", [[], [WEB], [HEADLESS]], ids=["new", "cluster-ip", "headless"])
def test_an_alias_holds_no_address_whatever_endpoints_it_has(before: list[Object]) -> None:
    """EXT-17, PTR-9: plain ones are not looked at one by one."""
    cluster = Cluster()
    cluster.put(SLICE, *before)

    cluster.put(ALIAS)

    assert cluster.records("10-1-0-2.web.shop") is None
    for text in ("10.3.0.1", "10.1.0.1", "10.1.0.2"):
        assert cluster.zone.pointer_services(address(text)) == ()
        assert cluster.pointers(text) == []


@pytest.mark.parametrize(
    "events", [[HEADLESS, SLICE], [SLICE, HEADLESS]], ids=["service first", "endpoints first"]
)
def test_a_service_and_its_endpoints_meet_in_either_order(events: list[Object]) -> None:
    """LIF-1, LIF-2, F-26: asked in between, the name does not exist."""
    cluster = Cluster()

    cluster.put(events[0])
    assert cluster.records("web.shop") is None
    assert cluster.pointers("10.1.0.1") == []
    cluster.put(events[1])

    assert cluster.records("web-0.web.shop") == ["web-0.web.shop.svc.d. 30 IN A 10.1.0.1"]
    assert cluster.pointers("10.1.0.1") == ["web-0.web.shop.svc.d."]
    assert cluster.pointers("10.1.0.2") == ["10-1-0-2.web.shop.svc.d."]


def test_a_service_proves_its_namespace() -> None:
    """LIF-3: whether or not the Namespace object is known."""
    cluster = Cluster()
    assert not cluster.zone.has_namespace(b"shop")

    cluster.put(WEB)

    assert cluster.zone.has_namespace(b"shop")
    assert cluster.zone.service(b"shop", b"web") == a_key("web.shop")


def test_endpoints_alone_prove_nothing() -> None:
    """LIF-1."""
    cluster = Cluster()

    cluster.put(SLICE)

    assert not cluster.zone.has_namespace(b"shop")
    assert cluster.zone.pointer_services(address("10.1.0.1")) == ()


def test_a_changed_cluster_ip_takes_its_pointer_along() -> None:
    """LIF-4, F-20: created anew under the same name; kube-dns keeps the old pointer."""
    cluster = Cluster()
    cluster.put(WEB)
    assert cluster.pointers("10.3.0.1") == ["web.shop.svc.d."]

    cluster.put(a_service("web.shop", cluster_ips=["10.3.0.9"]))

    assert cluster.records("web.shop") == ["web.shop.svc.d. 30 IN A 10.3.0.9"]
    assert cluster.pointers("10.3.0.1") == []
    assert cluster.pointers("10.3.0.9") == ["web.shop.svc.d."]


def test_dropping_an_address_family_removes_its_pointer_too() -> None:
    """CIP-6, PTR-17: and adding it brings both back."""
    cluster = Cluster()
    cluster.put(DUAL)
    assert cluster.pointers("fd00::a") == ["web.shop.svc.d."]

    cluster.put(replace_ips(DUAL, "10.3.0.1"))
    assert cluster.records("web.shop") == ["web.shop.svc.d. 30 IN A 10.3.0.1"]
    assert cluster.pointers("fd00::a") == []
    assert cluster.pointers("10.3.0.1") == ["web.shop.svc.d."]

    cluster.put(DUAL)
    assert cluster.pointers("fd00::a") == ["web.shop.svc.d."]


def replace_ips(service: Service, *ips: str) -> Service:
    """Return a Service with other cluster IPs."""
    return Service(service.key, service.kind, tuple(map(address, ips)), service.ports)


def test_a_service_that_becomes_headless_loses_its_own_addresses_of_both_families() -> None:
    """LIF-5, F-20: also when it has no endpoints at all."""
    cluster = Cluster()
    cluster.put(DUAL)
    cluster.records("web.shop")

    cluster.put(HEADLESS)

    assert cluster.records("web.shop") is None
    assert cluster.pointers("10.3.0.1") == []
    assert cluster.pointers("fd00::a") == []


def test_a_headless_service_that_gets_a_cluster_ip_keeps_only_its_endpoints_names() -> None:
    """LIF-6, F-20: they are called the same, and are no longer the service's addresses."""
    cluster = Cluster()
    cluster.put(HEADLESS, SLICE, SLICE_6)
    assert cluster.pointers("fd00::1:1") == ["fd00--1-1.web.shop.svc.d."]

    cluster.put(a_service("web.shop", cluster_ips=["10.3.0.1"]))

    assert cluster.records("web.shop") == ["web.shop.svc.d. 30 IN A 10.3.0.1"]
    assert cluster.pointers("10.1.0.1") == ["web-0.web.shop.svc.d."]
    cluster.remove(SLICE, SLICE_6)
    assert cluster.records("web-0.web.shop") is None
    assert cluster.pointers("10.1.0.1") == []
    assert cluster.pointers("fd00::1:1") == []
    assert cluster.pointers("10.3.0.1") == ["web.shop.svc.d."]


@pytest.mark.parametrize("before", [DUAL, HEADLESS], ids=["cluster IP", "headless"])
def test_a_service_that_becomes_an_alias_and_back_leaves_nothing_behind(before: Service) -> None:
    """LIF-7, F-20: addresses, endpoint names and pointers of both families."""
    cluster = Cluster()
    cluster.put(before, SLICE, SLICE_6)
    names = ("web.shop", "web-0.web.shop", "fd00--1-1.web.shop")
    addresses = ("10.3.0.1", "fd00::a", "10.1.0.1", "10.1.0.2", "fd00::1:1")
    records = [cluster.records(name) for name in names]
    pointers = [cluster.pointers(each) for each in addresses]
    assert all(records)

    cluster.put(ALIAS)
    assert cluster.records("web.shop") == ["web.shop.svc.d. 30 IN CNAME example.org."]
    assert cluster.records("web-0.web.shop") is None
    assert [cluster.pointers(each) for each in addresses] == [[]] * 5

    cluster.put(before)
    assert [cluster.records(name) for name in names] == records
    assert [cluster.pointers(each) for each in addresses] == pointers


def test_a_service_that_changes_its_type_twice_in_one_commit_is_what_it_became_last() -> None:
    """LIF-7, F-20: level, not edge."""
    cluster = Cluster()
    cluster.put(WEB, SLICE)

    cluster.put(ALIAS, HEADLESS)

    assert cluster.records("web.shop") == [
        "web.shop.svc.d. 30 IN A 10.1.0.1",
        "web.shop.svc.d. 30 IN A 10.1.0.2",
        "web.shop.svc.d. 30 IN SRV 0 50 8080 web-0.web.shop.svc.d.",
        "web.shop.svc.d. 30 IN SRV 0 50 8080 10-1-0-2.web.shop.svc.d.",
    ]
    assert cluster.pointers("10.3.0.1") == []


def test_a_renamed_port_has_its_new_name_only() -> None:
    """LIF-8."""
    cluster = Cluster()
    cluster.put(WEB)
    assert cluster.records("_http._tcp.web.shop") is not None

    cluster.put(a_service("web.shop", cluster_ips=["10.3.0.1"], ports=["api:80/udp"]))

    assert cluster.records("_http._tcp.web.shop") is None
    assert cluster.records("_tcp.web.shop") is None
    assert cluster.records("_api._udp.web.shop") == [
        "_api._udp.web.shop.svc.d. 30 IN A 10.3.0.1",
        "_api._udp.web.shop.svc.d. 30 IN SRV 0 100 80 web.shop.svc.d.",
    ]


@pytest.mark.parametrize(
    "order",
    [[[HEADLESS], [SLICE]], [[SLICE], [HEADLESS]], [[HEADLESS, SLICE]]],
    ids=["service first", "endpoints first", "at once"],
)
def test_a_deleted_service_is_gone_before_and_after_its_endpoints(
    order: list[list[Object]],
) -> None:
    """LIF-9, PTR-17: kube-dns keeps the pointers of endpoints for ever."""
    cluster = Cluster()
    cluster.put(HEADLESS, SLICE)
    assert cluster.pointers("10.1.0.1") != []

    for events in order:
        cluster.remove(*events)
        assert cluster.records("web.shop") is None
        assert cluster.pointers("10.1.0.1") == []
        assert cluster.pointers("10.1.0.2") == []

    assert cluster.zone.pointer_services(address("10.1.0.1")) == ()


def test_a_pod_in_two_headless_services_has_the_names_of_both() -> None:
    """PTR-6, 1.18 quirk 14: in kube-dns they delete each other's pointer."""
    cluster = Cluster()
    other = a_service("db.shop", headless=True)
    cluster.put(HEADLESS, SLICE, other, an_endpoints("db.shop", ["10.1.0.1 hostname=db-0"]))
    assert cluster.pointers("10.1.0.1") == ["db-0.db.shop.svc.d.", "web-0.web.shop.svc.d."]
    assert cluster.zone.pointer_services(address("10.1.0.1")) == (
        Key("shop", "db"),
        Key("shop", "web"),
    )

    cluster.remove(HEADLESS)
    assert cluster.pointers("10.1.0.1") == ["db-0.db.shop.svc.d."]
    cluster.remove(other)
    assert cluster.pointers("10.1.0.1") == []


def test_endpoints_of_one_hostname_come_and_go_alone() -> None:
    """HDL-11: kubernetes/dns#116; dropping one leaves the other."""
    cluster = Cluster()
    both = an_endpoints("web.shop", ["10.1.0.1 hostname=web-0", "10.1.0.5 hostname=web-0"])
    cluster.put(HEADLESS, both)
    assert cluster.records("web-0.web.shop") == [
        "web-0.web.shop.svc.d. 30 IN A 10.1.0.1",
        "web-0.web.shop.svc.d. 30 IN A 10.1.0.5",
    ]

    cluster.put(an_endpoints("web.shop", ["10.1.0.5 hostname=web-0"]))

    assert cluster.records("web-0.web.shop") == ["web-0.web.shop.svc.d. 30 IN A 10.1.0.5"]
    assert cluster.pointers("10.1.0.1") == []
    assert cluster.pointers("10.1.0.5") == ["web-0.web.shop.svc.d."]


def test_an_endpoint_that_is_no_longer_ready_loses_its_name_and_pointer() -> None:
    """PTR-9, SRV-18."""
    cluster = Cluster()
    cluster.put(HEADLESS, SLICE)

    cluster.put(an_endpoints("web.shop", ["10.1.0.1 hostname=web-0 not-ready", "10.1.0.2"]))

    assert cluster.records("web-0.web.shop") is None
    assert cluster.pointers("10.1.0.1") == []
    assert cluster.pointers("10.1.0.2") == ["10-1-0-2.web.shop.svc.d."]


def test_a_slice_that_changes_hands_leaves_its_old_service() -> None:
    """F-18: the same slice under another service's label."""
    cluster = Cluster()
    other = a_service("db.shop", headless=True)
    cluster.put(HEADLESS, other, SLICE)

    cluster.put(an_endpoints("db.shop", ["10.1.0.1 hostname=web-0"], name="web"))

    assert cluster.records("web.shop") is None
    assert cluster.pointers("10.1.0.1") == ["web-0.db.shop.svc.d."]
    assert cluster.pointers("10.1.0.2") == []


def test_events_that_say_nothing_new_change_nothing() -> None:
    """F-18: ADDED for existing, DELETED for unknown, duplicates."""
    cluster = Cluster()
    cluster.put(HEADLESS, SLICE, SLICE)
    before = cluster.records("web.shop")

    cluster.put(SLICE, HEADLESS)
    cluster.remove(a_service("no.shop"), SLICE_6, a_namespace("shop"))

    assert cluster.records("web.shop") == before


# -- namespaces


def test_a_namespace_appears_and_disappears_with_its_object() -> None:
    """ENT-5, LIF-18."""
    cluster = Cluster()
    void = a_namespace("void")

    cluster.put(void)
    assert cluster.zone.has_namespace(b"void")
    cluster.remove(void)
    assert not cluster.zone.has_namespace(b"void")


def test_a_namespace_outlives_its_object_while_a_service_stands_in_it() -> None:
    """LIF-3, LIF-18: it goes with the last of both, whichever is the last."""
    cluster = Cluster()
    shop = a_namespace("shop")
    cluster.put(shop, WEB)

    cluster.remove(shop)
    assert cluster.records("web.shop") is not None
    cluster.remove(WEB)
    assert not cluster.zone.has_namespace(b"shop")

    cluster.put(shop, WEB)
    cluster.remove(WEB)
    assert cluster.zone.has_namespace(b"shop")
    assert cluster.zone.service(b"shop", b"web") is None


def test_a_namespace_is_hidden_by_its_labels_and_shown_again() -> None:
    """ENT-16, PTR-13: its services' names and pointers with it."""
    cluster = Cluster(ON)
    cluster.put(a_namespace("shop", labels={"dns": "on"}), HEADLESS, SLICE)
    assert cluster.pointers("10.1.0.1") == ["web-0.web.shop.svc.d."]

    cluster.put(a_namespace("shop", labels={"dns": "off"}))
    assert not cluster.zone.has_namespace(b"shop")
    assert cluster.records("web.shop") is None
    assert cluster.pointers("10.1.0.1") == []

    cluster.put(a_namespace("shop", labels={"dns": "on"}))
    assert cluster.records("web-0.web.shop") == ["web-0.web.shop.svc.d. 30 IN A 10.1.0.1"]
    assert cluster.pointers("10.1.0.1") == ["web-0.web.shop.svc.d."]


def test_what_happens_in_a_hidden_namespace_is_seen_when_it_is_shown() -> None:
    """ENT-16: changed, added and deleted meanwhile."""
    cluster = Cluster(ON)
    gone = a_service("gone.shop", cluster_ips=["10.3.0.8"])
    cluster.put(a_namespace("shop", labels={"dns": "on"}), WEB, gone)
    cluster.put(a_namespace("shop"))

    cluster.put(replace_ips(WEB, "10.3.0.2"))
    cluster.remove(gone)
    assert not cluster.zone.has_namespace(b"shop")
    assert cluster.pointers("10.3.0.2") == []
    cluster.put(a_namespace("shop", labels={"dns": "on"}))

    assert cluster.pointers("10.3.0.2") == ["web.shop.svc.d."]
    assert cluster.pointers("10.3.0.1") == []
    assert cluster.pointers("10.3.0.8") == []
    assert cluster.records("gone.shop") is None


def test_a_service_is_deleted_while_its_namespace_is_being_hidden() -> None:
    """LIF-18: both in one commit."""
    cluster = Cluster(ON)
    cluster.put(a_namespace("shop", labels={"dns": "on"}), HEADLESS, SLICE)

    cluster.store.remove(Resource.SERVICES, HEADLESS.key)
    cluster.put(a_namespace("shop"))

    assert cluster.zone.pointer_services(address("10.1.0.1")) == ()


def test_under_a_label_selector_a_namespace_that_is_not_known_is_hidden() -> None:
    """ENT-16: a service proves its namespace, and not its labels."""
    cluster = Cluster(ON)

    cluster.put(WEB)
    assert not cluster.zone.has_namespace(b"shop")
    assert cluster.pointers("10.3.0.1") == []
    cluster.put(a_namespace("shop", labels={"dns": "on"}))

    assert cluster.pointers("10.3.0.1") == ["web.shop.svc.d."]


def test_only_the_namespaces_that_were_named_are_served() -> None:
    """ENT-16: ``--namespaces``."""
    cluster = Cluster(Visibility(names=frozenset({"shop"})))

    cluster.put(WEB, a_service("web.dark", cluster_ips=["10.3.0.2"]), a_namespace("dark"))

    assert cluster.records("web.shop") is not None
    assert cluster.records("web.dark") is None
    assert not cluster.zone.has_namespace(b"dark")
    assert cluster.pointers("10.3.0.2") == []


# -- the serial, and what is read while changes wait


@pytest.mark.parametrize(
    "change",
    [
        a_service("web.shop", cluster_ips=["10.3.0.9"], ports=["http:80/tcp"]),
        a_service("web.shop", cluster_ips=["10.3.0.1"], ports=["api:80/tcp"]),
        HEADLESS,
        ALIAS,
        SLICE_6,
        an_endpoints("web.shop", ["10.1.0.1 hostname=web-0"], ["http:8080/tcp"]),
        a_namespace("new"),
        a_service("new.shop", cluster_ips=["10.3.0.7"]),
    ],
    ids=["address", "port", "headless", "alias", "slice", "endpoint", "namespace", "service"],
)
def test_the_serial_grows_with_every_visible_change(change: Object) -> None:
    """ENV-6: CoreDNS misses some of them; going back is a change too."""
    cluster = Cluster()
    cluster.put(WEB, SLICE)
    serials = [cluster.zone.serial]

    cluster.put(change)
    serials.append(cluster.zone.serial)
    cluster.remove(change)
    serials.append(cluster.zone.serial)

    assert serials == sorted(set(serials))


def test_the_serial_is_the_time_of_the_last_change_and_never_falls() -> None:
    """ENV-6, F-28: two changes in a second, and a clock that steps back."""
    cluster = Cluster()
    assert cluster.zone.serial == 1
    serials = []
    for now in (1700000000.9, 1700000000.9, 1600000000.0, 1700000009.0):
        cluster.commit(now)
        serials.append(cluster.zone.serial)

    assert serials == [1700000000, 1700000001, 1700000002, 1700000009]


def test_names_that_are_too_long_are_counted_as_long_as_they_are_missing() -> None:
    """BAD-2: a domain of 240 octets leaves little room; an ordinary one leaves enough for all."""
    cluster = Cluster(domain=".".join(["a" * 60] * 3 + ["b" * 55]))
    cluster.put(a_service("db.shop", headless=True), a_service("too-long.shop", headless=True))
    assert cluster.zone.names_too_long == 1

    cluster.put(an_endpoints("db.shop", ["10.1.0.1 hostname=long", "10.1.0.2 hostname=longer"]))
    assert cluster.zone.names_too_long == 3
    cluster.put(an_endpoints("db.shop", ["10.1.0.1 hostname=long", "10.1.0.2 hostname=x"]))
    assert cluster.zone.names_too_long == 2
    cluster.remove(a_service("db.shop"), a_service("too-long.shop"))
    assert cluster.zone.names_too_long == 0

    longest = "n" * 63
    cluster = Cluster(domain="cluster.local")
    cluster.put(a_service(f"{longest}.{longest}", headless=True))
    cluster.put(an_endpoints(f"{longest}.{longest}", [f"10.1.0.1 hostname={longest}"]))
    assert cluster.zone.names_too_long == 0


def test_a_service_that_left_the_store_is_not_answered_before_the_commit() -> None:
    """Between an event and its commit a name may be asked for the first time."""
    cluster = Cluster()
    cluster.put(WEB)

    cluster.store.remove(Resource.SERVICES, WEB.key)

    assert cluster.records("web.shop") is None
    assert cluster.pointers("10.3.0.1") == []


def test_a_service_that_was_asked_before_its_commit_is_not_stale_after_it() -> None:
    """What was grown from the store ahead of the commit is grown anew."""
    cluster = Cluster()
    cluster.put(WEB)
    cluster.store.put(Resource.SERVICES, HEADLESS)
    assert cluster.records("web.shop") is None

    cluster.put(replace_ips(WEB, "10.3.0.2"))

    assert cluster.records("web.shop") is not None
    assert cluster.pointers("10.3.0.2") == ["web.shop.svc.d."]


def test_a_policy_chooses_among_the_pointers() -> None:
    """PTR-7."""
    cluster = Cluster()
    cluster.put(HEADLESS, SLICE)

    assert cluster.zone.pointers(address("10.1.0.2"), "hostname") == ()
    assert cluster.zone.pointers(address("10.1.0.1"), "hostname") == (
        from_text("web-0.web.shop.svc.d"),
    )


def test_a_pod_changes_no_record_of_a_service() -> None:
    """POD-15: pods are only asked for by their own names."""
    cluster = Cluster()
    cluster.put(HEADLESS, SLICE)
    before = cluster.records("web.shop")

    cluster.put(a_pod("p.lonely", ["10.1.0.1"]))

    assert cluster.records("web.shop") == before
    assert not cluster.zone.has_namespace(b"lonely")


def test_a_zone_knows_its_domain() -> None:
    """2.2."""
    assert Cluster().zone.apex == from_text("d")


def test_a_commit_says_what_an_answer_may_differ_by() -> None:
    """Services that changed or are gone, namespaces that came or went, addresses that are held."""
    cluster = Cluster(Visibility(labels=parse_selector("dns=on")))
    web = a_service("web.shop", cluster_ips=["10.96.0.10"])
    cluster.put(web, a_namespace("shop", labels={"dns": "on"}), a_namespace("dark"))

    def committed(*items: Object) -> Committed:
        for item in items:
            cluster.store.put(RESOURCES[type(item)], item)
        found = Committed()
        cluster.zone.commit(cluster.store.take_changes(), 0.0, found)
        return found

    moved = a_service("web.shop", cluster_ips=["10.96.0.11"])
    assert committed(moved) == Committed({moved.key}, set(), {address("10.96.0.11")})
    assert committed(a_namespace("shop", labels={"dns": "on", "x": "y"})) == Committed()
    assert committed(a_namespace("shop")) == Committed({moved.key}, {"shop"})
    shown = a_namespace("shop", labels={"dns": "on"})
    assert committed(shown) == Committed({moved.key}, {"shop"}, {address("10.96.0.11")})
    cluster.store.remove(Resource.SERVICES, moved.key)
    assert committed() == Committed({moved.key})


def test_endpoints_without_hostnames_are_found_by_their_address_in_one_spelling() -> None:
    """HDL-8, HDL-10: also where the Service itself holds the address (CIP-6)."""
    cluster = Cluster()
    cluster.put(HEADLESS, an_endpoints("web.shop", ["10.1.0.1", "fd00::1"]))

    assert cluster.records("10-1-0-1.web.shop") == ["10-1-0-1.web.shop.svc.d. 30 IN A 10.1.0.1"]
    assert cluster.records("fd00--1.web.shop") == ["fd00--1.web.shop.svc.d. 30 IN AAAA fd00::1"]
    assert cluster.records("fd00-0--1.web.shop") is None
    assert cluster.records("10-1-0-2.web.shop") is None

    cluster.put(WEB, an_endpoints("web.shop", ["10.3.0.1", "10.1.0.1"]))

    assert cluster.records("10-3-0-1.web.shop") == ["10-3-0-1.web.shop.svc.d. 30 IN A 10.3.0.1"]
    assert cluster.pointers("10.3.0.1") == ["web.shop.svc.d."]
    assert cluster.pointers("10.1.0.1") == ["10-1-0-1.web.shop.svc.d."]
