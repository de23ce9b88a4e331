"""The parts put together: every option that decides an answer reaches the part that gives it."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from collections.abc import Sequence

import dns.reversename
import pytest

from kubedns_py.assembly import Core, Identity, assemble
from kubedns_py.cluster.objects import Endpoints, Namespace, Object, Pod, Service
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.store import Store
from kubedns_py.config.arguments import load
from kubedns_py.resolver.view import Known
from kubedns_py.server.arrival import IPV4, Arrival
from kubedns_py.server.entry import Content
from kubedns_py.server.respond import Chances
from kubedns_py.structs import replace
from tests.helpers import oracle
from tests.helpers.dnsclient import a_query
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
OBJECTS = (
    a_service("web.prod", cluster_ips=["10.96.0.10"]),
    a_service("db.prod", headless=True, selector={"app": "db"}),
    a_service("cold.prod", headless=True),
    a_service("lit.prod", external_name="192.0.2.7"),
    a_service("dns.kube", cluster_ips=["10.96.0.53"]),
    an_endpoints("db.prod", ["10.1.1.1 pod=db-abc", "10.1.1.2 hostname=db-0"]),
    a_namespace("kube", labels={"dns": "off"}),
    a_namespace("prod", labels={"dns": "on"}),
)

SOA = "ns.dns.cluster.local. hostmaster.cluster.local. SERIAL 7200 1800 86400"


def put(core: Core, *items: Object) -> None:
    """Let objects appear or change, without a commit."""
    for item in items:
        core.store.put(RESOURCES[type(item)], item)


def a_core(*flags: str, objects: tuple[Object, ...] = OBJECTS) -> Core:
    """Return a synced core under command line options."""
    turns = itertools.count(1)
    config = load(list(flags), {}, program="kubedns-py").config
    core = assemble(
        config,
        Chances(clock=lambda: 0.0, turn=lambda: next(turns)),
        identity=Identity(version="1.2.3", node="node-a"),
    )
    put(core, *objects)
    core.reach(Known.ALL, now=1000.0)
    return core


def ask(core: Core, name: str, rtype: str = "A", rclass: str = "IN") -> oracle.Reading:
    """Return the reply to a query over UDP with EDNS, as dnspython reads it."""
    octets = oracle.query(name, rtype, rclass, edns=4096)
    reply = core.responder.respond(octets, Arrival("udp", IPV4, address("127.0.0.1")))
    assert isinstance(reply, bytes)
    return oracle.read(reply)


def test_without_options_a_cluster_is_served_under_cluster_local() -> None:
    """T-9: TTL 30, negative TTL 5."""
    core = a_core()

    assert ask(core, "web.prod.svc.cluster.local.").answer == (
        "web.prod.svc.cluster.local. 30 IN A 10.96.0.10",
    )
    missing = ask(core, "nope.prod.svc.cluster.local.")
    assert missing.rcode == "NXDOMAIN"
    assert missing.authority == (f"cluster.local. 5 IN SOA {SOA} 5",)


WEB = "web.prod.svc.cluster.local."
DB_0 = "10-1-1-1.db.prod.svc.cluster.local."


@pytest.mark.parametrize(
    ("flags", "question", "rcode", "answer"),
    [
        (["--domain", "one,two"], "web.prod.svc.two. A", "NOERROR", "30 IN A 10.96.0.10"),
        (["--domain", "one,two"], f"{WEB} A", "REFUSED", None),
        (["--ttl", "7"], f"{WEB} A", "NOERROR", "7 IN A 10.96.0.10"),
        (["--pods", "disabled"], "10-1-1-1.prod.pod.cluster.local. A", "NXDOMAIN", None),
        (["--pods", "verified"], "10-1-1-1.prod.pod.cluster.local. A", "NXDOMAIN", None),
        (
            ["--endpoint-names", "hash"],
            f"{DB_0} A",
            "NXDOMAIN",
            None,
        ),
        (
            ["--endpoint-pod-names"],
            "1.1.1.10.in-addr.arpa. PTR",
            "NOERROR",
            "30 IN PTR db-abc.db.prod.svc.cluster.local.",
        ),
        (["--ptr", "hostname"], "1.1.1.10.in-addr.arpa. PTR", "REFUSED", None),
        (["--headless-empty", "nodata"], "cold.prod.svc.cluster.local. A", "NOERROR", None),
        (["--externalname-ip", "address"], "lit.prod.svc.cluster.local. A", "NOERROR",
         "30 IN A 192.0.2.7"),
        (["--ignore-empty-service"], f"{WEB} A", "NXDOMAIN", None),
        (["--dns-service", "kube/dns"], "ns.dns.cluster.local. A", "NOERROR",
         "30 IN A 10.96.0.53"),
        ([], "ns.dns.cluster.local. A", "NOERROR", "30 IN A 127.0.0.1"),
        (["--local-cidrs", "10.200.0.0/16"], "1.0.200.10.in-addr.arpa. PTR", "NXDOMAIN", None),
        (["--namespaces", "kube"], f"{WEB} A", "NXDOMAIN", None),
        (["--namespace-labels", "dns=off"], f"{WEB} A", "NXDOMAIN", None),
        (["--namespace-labels", "dns=on"], f"{WEB} A", "NOERROR", "30 IN A 10.96.0.10"),
    ],
)  # fmt: skip
def test_an_option_decides_the_answer_that_it_is_about(
    flags: list[str], question: str, rcode: str, answer: str | None
) -> None:
    """Section 1.17."""
    name, rtype = question.split()

    reading = ask(a_core(*flags), name, rtype)

    assert reading.rcode == rcode
    assert reading.answer == (() if answer is None else (f"{name} {answer}",))


def test_negative_answers_live_as_long_as_the_option_says() -> None:
    """``--negative-ttl``."""
    core = a_core("--negative-ttl", "0")

    assert ask(core, "nope.cluster.local.").authority == (f"cluster.local. 0 IN SOA {SOA} 0",)


def test_pods_that_nobody_serves_have_pointers_by_option() -> None:
    """PTR-8: ``--ptr-pods``."""
    pod = a_pod("p.prod", ["10.1.0.9"])
    core = a_core("--ptr-pods", "--pods", "verified", objects=(*OBJECTS, pod))

    assert ask(core, "9.0.1.10.in-addr.arpa.", "PTR").answer == (
        "9.0.1.10.in-addr.arpa. 30 IN PTR 10-1-0-9.prod.pod.cluster.local.",
    )


def test_endpoints_that_still_serve_stand_in_by_option() -> None:
    """HDL-18: ``--terminating``."""
    endpoints = an_endpoints("db.prod", ["10.1.1.1"])
    (subset,) = endpoints.subsets
    (endpoint,) = subset.endpoints
    leaving = type(endpoint)(endpoint.addresses, ready=False, serving=True)
    objects = (
        a_service("db.prod", headless=True),
        type(endpoints)(endpoints.key, endpoints.service, (type(subset)((leaving,)),)),
    )
    name = "db.prod.svc.cluster.local."

    assert ask(a_core(objects=objects), name).rcode == "NXDOMAIN"
    standing_in = a_core("--terminating", "include-if-none-ready", objects=objects)
    assert ask(standing_in, name).answer == (f"{name} 30 IN A 10.1.1.1",)


def test_addresses_take_turns_unless_their_order_is_to_be_stable() -> None:
    """ENV-10: ``--answer-order``."""
    name = "db.prod.svc.cluster.local."
    turning, stable = a_core(), a_core("--answer-order", "stable")

    first = [ask(turning, name).answer[0] for _ in range(2)]
    always = [ask(stable, name).answer[0] for _ in range(2)]

    assert sorted(first) == [f"{name} 30 IN A 10.1.1.1", f"{name} 30 IN A 10.1.1.2"]
    assert always == [f"{name} 30 IN A 10.1.1.1"] * 2


def test_the_number_of_answers_and_the_size_of_datagrams_are_limited_by_options() -> None:
    """HDL-14, ENV-14: ``--max-answers``, ``--max-udp-size``."""
    core = a_core("--max-answers", "1", "--max-udp-size", "1400")
    reading = ask(core, "db.prod.svc.cluster.local.")

    assert len(reading.answer) == 1
    assert reading.edns is not None
    assert reading.edns.payload == 1400
    assert "RA" not in reading.flags


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("version.bind.", "1.2.3"),
        ("version.server.", "1.2.3"),
        ("id.server.", "node-a"),
        ("hostname.bind.", "node-a"),
    ],
)
def test_the_server_says_who_it_is_by_option(name: str, text: str) -> None:
    """ENV-23: ``--chaos``; in class CHAOS, which the answer has too."""
    assert ask(a_core(), name, "TXT", "CH").rcode == "REFUSED"
    assert ask(a_core("--chaos"), name, "TXT", "CH").answer == (f'{name} 0 CH TXT "{text}"',)


def test_endpoints_are_made_from_pods_where_manifests_are_served() -> None:
    """``--manifests``: no controller writes EndpointSlices there."""
    objects = (
        a_service("db.prod", headless=True, selector={"app": "db"}),
        a_pod("p.prod", ["10.1.0.9"], labels={"app": "db"}),
    )
    name = "db.prod.svc.cluster.local."

    assert ask(a_core("--manifests", "/dir", objects=objects), name).answer == (
        f"{name} 30 IN A 10.1.0.9",
    )
    assert ask(a_core(objects=objects), name).rcode == "NXDOMAIN"


# -- commits


def kept(core: Core, count: int) -> int:
    """Ask for so many names twice; return how many answers are in the answer table then."""
    for number in range(count):
        query = a_query(f"10-1-{number // 256}-{number % 256}.prod.pod.cluster.local.")
        for _ in range(2):
            core.responder.respond(query, Arrival("udp", IPV4, address("127.0.0.1")))
    assert core.responder.keeper is not None
    return len(core.responder.keeper)


def test_the_answer_table_is_as_large_as_the_option_says() -> None:
    """``--answer-table-size``: twice the room is for twice as many, at about 1.2 KiB each."""
    small, larger = (kept(a_core(f"--answer-table-size={n}Mi"), 1500) for n in (1, 2))

    assert 500 < small < 1000
    assert larger == pytest.approx(2 * small, rel=0.05)


def test_without_an_answer_table_every_answer_is_made_anew() -> None:
    """``--answer-table-size 0``: the same answers, also after a change, and nothing is kept."""
    core = a_core("--answer-table-size=0")

    assert [ask(core, WEB).answer for _ in range(3)] == [(f"{WEB} 30 IN A 10.96.0.10",)] * 3
    put(core, a_service("web.prod", cluster_ips=["10.96.0.11"]))
    core.commit(now=1001.0)
    assert ask(core, WEB).answer == (f"{WEB} 30 IN A 10.96.0.11",)
    assert core.responder.keeper is None
    assert core.responder.repeats(IPV4) is None


def test_something_to_commit_is_said_once() -> None:
    """One call for everything that comes before the commit."""
    called: list[str] = []
    config = load([], {}, program="kubedns-py").config
    core = assemble(
        config,
        Chances(lambda: 0.0, lambda: 0),
        identity=Identity("", ""),
        store=Store(lambda: called.append("dirty")),
    )

    put(core, *OBJECTS)
    assert called == ["dirty"]
    core.commit(now=1.0)
    put(core, a_service("new.prod"))
    assert called == ["dirty", "dirty"]


def test_a_denial_that_is_repeated_after_the_first_sync_has_the_zones_serial() -> None:
    """ENV-6: the answer table learns it with the first commit, though it has nothing to drop."""
    core = a_core("--forward=false")
    query = oracle.query("missing.prod.svc.cluster.local", "A", "IN", edns=4096)
    arrival = Arrival("udp", IPV4, address("127.0.0.1"))

    assert len({core.responder.respond(query, arrival) for _ in range(4)}) == 1


class Copies:
    """A listener that has the keys that a worker would answer by itself."""

    def __init__(self) -> None:
        self.keys: set[bytes] = set()

    def entered(self, number: int, key: bytes, content: Content) -> None:
        """Have one more."""
        del number, content
        self.keys.add(key)

    def left(self, numbers: Sequence[int]) -> None:
        """Nothing leaves for itself here."""
        raise AssertionError(numbers)

    def forgot(self) -> None:
        """Have none."""
        self.keys.clear()

    def counted(self, serials: Sequence[int]) -> None:
        """Answers here have none."""


@pytest.mark.parametrize("reached", [Known.WITHOUT_ENDPOINTS, Known.ALL])
def test_nobody_goes_on_saying_that_nothing_is_known(reached: Known) -> None:
    """T-60: workers are told with the first sync, and not when they are next heard of."""
    core = a_core(objects=())
    core.view.known = Known.NOTHING
    assert core.responder.keeper is not None
    copies = core.responder.keeper.listener = Copies()
    for _ in range(3):
        assert ask(core, WEB).rcode == "SERVFAIL"
    assert copies.keys

    put(core, *OBJECTS)
    core.reach(reached, now=1001.0)

    assert not copies.keys
    assert ask(core, WEB).answer == (f"{WEB} 30 IN A 10.96.0.10",)


def test_a_commit_without_changes_leaves_the_serial_alone() -> None:
    """ENV-6."""
    core = a_core()
    serials = [zone.serial for zone in core.view.zones]

    core.commit(now=2000.0)

    assert [zone.serial for zone in core.view.zones] == serials


# -- how long endpoints took to be served (2.2.4: dns_programming_duration)


def programmed(core: Core) -> dict[str, tuple[int, float]]:
    """Return how many changes were counted by kind of service, and their seconds."""
    counts = core.tally.snapshot().programming
    return {kind: (sum(each.counts), each.total) for kind, each in counts.items()}


def changed(service: str, changed_at: float, *endpoints: str) -> Endpoints:
    """Return endpoints with their trigger time."""
    return an_endpoints(service, endpoints, changed_at=changed_at)


def test_what_is_listed_is_taken_over_before_the_first_sync() -> None:
    """T-60: whatever comes of it later is in the answers too, and nothing of it is counted."""
    core = a_core(objects=())
    core.view.known = Known.NOTHING
    put(core, *OBJECTS[:2], a_namespace("prod", labels={"dns": "on"}))
    put(core, a_service("late.prod", cluster_ips=["10.96.0.77"]))
    put(core, changed("web.prod", 1990.0, "10.1.0.1"))
    put(core, an_endpoints("db.prod", ["10.1.1.1"], name="db-1"))
    core.commit_listed(now=2000.0)
    (zone,) = core.view.zones
    assert zone.pointer_services(address("10.1.0.1")) == (a_key("web.prod"),)
    assert core.store.take_plain().services == {}
    assert zone.pointer_services(address("10.96.0.77")) == ()  # its endpoints have not come yet

    put(core, an_endpoints("db.prod", ["10.1.1.2"], name="db-2"))
    assert ask(core, "db.prod.svc.cluster.local.").rcode == "SERVFAIL"
    core.reach(Known.ALL, now=2001.0)

    assert set(ask(core, "db.prod.svc.cluster.local.").answer) == {
        "db.prod.svc.cluster.local. 30 IN A 10.1.1.1",
        "db.prod.svc.cluster.local. 30 IN A 10.1.1.2",
    }
    assert ask(core, "1.0.1.10.in-addr.arpa.", "PTR").answer == (
        "1.0.1.10.in-addr.arpa. 30 IN PTR 10-1-0-1.web.prod.svc.cluster.local.",
    )
    put(core, a_service("web.prod", cluster_ips=["10.96.0.11"]))
    core.commit(now=90000.0)
    assert programmed(core) == {}


def test_a_change_of_endpoints_is_counted_once_by_the_kind_of_its_service() -> None:
    """LIF-20: seconds since the trigger time; CoreDNS's words."""
    core = a_core()
    put(core, changed("web.prod", 1990.0, "10.1.0.1"))
    put(core, changed("db.prod", 1999.5, "10.1.0.2"))
    put(core, changed("cold.prod", 1998.0, "10.1.0.3"))
    put(core, changed("lit.prod", 1998.0, "10.1.0.3"))
    put(core, changed("nobody.prod", 1998.0, "10.1.0.3"))

    core.commit(now=2000.0)
    put(core, a_service("web.prod", cluster_ips=["10.96.0.11"]))
    core.commit(now=3000.0)

    assert programmed(core) == {
        "cluster_ip": (1, 10.0),
        "headless_with_selector": (1, 0.5),
        "headless_without_selector": (1, 2.0),
    }


def test_each_newer_trigger_time_is_counted() -> None:
    """LIF-20: an older one, of another replica of the API, is not."""
    core = a_core()
    for now, changed_at in ((2001.0, 2000.0), (2003.0, 2001.0), (2004.0, 1999.0)):
        put(core, changed("web.prod", changed_at, f"10.1.0.{int(changed_at) % 100}"))
        core.commit(now)

    assert programmed(core) == {"cluster_ip": (2, 3.0)}


def test_what_was_listed_at_first_is_not_counted_later_either() -> None:
    """LIF-20: a change of the Service alone would seem to have taken days."""
    core = a_core(objects=(OBJECTS[0], changed("web.prod", 10.0, "10.1.0.1")))

    put(core, a_service("web.prod", cluster_ips=["10.96.0.11"]))
    core.commit(now=90000.0)

    assert programmed(core) == {}


def test_the_clock_of_the_node_does_not_decide_what_is_counted() -> None:
    """LIF-20: trigger times are the control plane's, and their clocks differ."""
    behind, ahead = (
        a_core(objects=(OBJECTS[0], changed("web.prod", at, "10.1.0.1"))) for at in (5e9, 1000.0)
    )

    put(behind, a_service("web.prod", cluster_ips=["10.96.0.11"]))
    behind.commit(now=2000.0)
    assert programmed(behind) == {}

    put(ahead, changed("web.prod", 1001.0, "10.1.0.2"))
    ahead.commit(now=1003.0)
    assert programmed(ahead) == {"cluster_ip": (1, 2.0)}


def test_endpoints_that_are_gone_are_forgotten() -> None:
    """F-41: nothing grows with services that come and go; the next ones are counted anew."""
    core = a_core()
    put(core, changed("web.prod", 1999.0, "10.1.0.1"))
    core.commit(now=2000.0)
    core.store.remove(Resource.ENDPOINTSLICES, a_key("web.prod"))
    core.commit(now=2001.0)

    put(core, changed("web.prod", 1999.0, "10.1.0.1"))
    core.commit(now=2002.0)

    assert programmed(core) == {"cluster_ip": (2, 4.0)}


def come_and_go(core: Core, numbers: range) -> None:
    """Let Services come, be asked for so often that their answers are kept, and go."""
    arrival = Arrival("udp", IPV4, address("127.0.0.1"))
    for number in numbers:
        name, at = f"s{number}.prod", f"10.3.{number >> 8 & 255}.{number & 255}"
        service = a_service(name, headless=True)
        slices = [
            an_endpoints(name, [f"{at} hostname=a"], ["http:80/tcp"], name=f"s{number}-1"),
            an_endpoints(name, [f"10.4.0.1 hostname=b{number}"], name=f"s{number}-2"),
        ]
        alias = a_service(f"a{number}.prod", external_name=f"{name}.svc.cluster.local")
        slices.append(an_endpoints(f"a{number}.prod", ["10.5.0.1"]))  # of no use to it
        put(core, service, alias, *(replace(each, changed_at=2000.0 + number) for each in slices))
        core.commit(now=3000.0 + number)
        asked = [(f"{name}.svc.cluster.local.", rtype) for rtype in ("A", "SRV")]
        for owner, rtype in (*asked, (dns.reversename.from_address(at).to_text(), "PTR")):
            query = oracle.query(owner, rtype)
            for _ in range(3):
                core.responder.respond(query, arrival)
        for each in slices:
            core.store.remove(Resource.ENDPOINTSLICES, each.key)
        for key in (service.key, alias.key):
            core.store.remove(Resource.SERVICES, key)
        core.commit(now=3000.0 + number)


def test_memory_does_not_grow_with_services_that_come_and_go() -> None:
    """F-41: store, zone, pointers, answer table and counts forget what is gone."""
    core = a_core("--forward=false")
    come_and_go(core, range(100))
    tracemalloc.start()
    held = []
    for start in (100, 300):
        come_and_go(core, range(start, start + 200))
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()

    assert held[1] - held[0] < 20 * 200  # octets for each Service: less than its key takes
