"""The one seam: counted once, logged when asked to, and total."""

import itertools
import logging
from collections.abc import Callable

import pytest

from kubedns_py.assembly import Core, Identity, assemble
from kubedns_py.cluster.objects import Address
from kubedns_py.cluster.resources import Resource
from kubedns_py.config.arguments import load
from kubedns_py.resolver.view import Known
from kubedns_py.server.arrival import IPV4, Arrival
from kubedns_py.server.respond import Chances
from tests.helpers import oracle
from tests.helpers.objects import a_service, an_endpoints
from tests.helpers.octets import header, name, question

LOOPBACK = Address(b"\x7f\0\0\1")
UDP = Arrival("udp", IPV4, LOOPBACK)
TCP = Arrival("tcp", IPV4, LOOPBACK)
WEB = header() + question(name("web.prod.svc.cluster.local"))
MANY = header() + question(name("many.prod.svc.cluster.local"))


def a_core(*flags: str, turn: Callable[[], int] | None = None) -> Core:
    """Return a core with a ClusterIP Service and a headless one of 5,000 endpoints."""
    config = load(list(flags), {}, program="test").config
    chances = Chances(clock=itertools.count().__next__, turn=turn or itertools.count().__next__)
    core = assemble(config, chances, identity=Identity("1", "a"))
    core.store.put(Resource.SERVICES, a_service("web.prod", cluster_ips=["10.96.0.10"]))
    core.store.put(Resource.SERVICES, a_service("many.prod", headless=True))
    addresses = [f"10.1.{index // 250}.{index % 250 + 1}" for index in range(5000)]
    core.store.put(Resource.ENDPOINTSLICES, an_endpoints("many.prod", addresses))
    core.commit(0.0)
    core.view.known = Known.ALL
    return core


def explode() -> int:
    """Stand for a fault of ours."""
    raise RuntimeError("a fault of ours")


def test_a_reply_is_counted_once_with_the_rule_that_decided() -> None:
    """Ecosystem 6.3: zone with its dot, proto, family, type; plugin is the rule."""
    core = a_core()

    core.responder.respond(WEB, UDP)

    counts = core.tally.snapshot()
    assert counts.requests == {("cluster.local.", "udp", 1, "A"): 1}
    assert dict(counts.responses) == {("cluster.local.", "NOERROR", "service_names"): 1}
    assert counts.drops == {}


def test_a_name_of_nobody_is_counted_under_dropped() -> None:
    """Ecosystem 6.3: the zone of queries outside all zones, and of messages without a question."""
    core = a_core()

    core.responder.respond(header() + question(name("example.org")), TCP)
    core.responder.respond(header(qd=0), TCP)

    assert dict(core.tally.snapshot().responses) == {
        ("dropped", "REFUSED", "outside"): 1,
        ("dropped", "FORMERR", "reject"): 1,
    }


def test_silence_is_counted_with_its_reason() -> None:
    """M-01, M-02: nothing is sent, one counter rises."""
    core = a_core()

    assert core.responder.respond(b"\0" * 11, UDP) is None
    assert core.responder.respond(header(flags=0x8000) + b"x", UDP) is None

    assert core.tally.snapshot().drops == {"short": 1, "response": 1}
    assert dict(core.tally.snapshot().responses) == {}


def test_a_fault_of_ours_is_servfail_and_a_counter(caplog: pytest.LogCaptureFixture) -> None:
    """ENV-28c: the name that hits it cannot take the server down, nor keep the next one waiting."""
    core = a_core(turn=explode)
    core_after = a_core()

    reply = core.responder.respond(WEB, UDP)

    assert reply == header(flags=0x8102, qd=0)
    assert core.tally.snapshot().panics == 1
    assert "a fault of ours" in caplog.text
    assert core_after.responder.respond(WEB, UDP) is not None


@pytest.mark.parametrize("arrival", [UDP, TCP], ids=["udp", "tcp"])
def test_an_answer_that_lost_records_is_counted(arrival: Arrival) -> None:
    """A-05: over TCP the client does not learn of it, so the operator must."""
    core = a_core()

    core.responder.respond(MANY, arrival)
    core.responder.respond(WEB, arrival)

    assert core.tally.snapshot().truncated == {arrival.proto: 1}


def test_query_names_are_logged_escaped_and_only_when_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Reliability 4.3: a name with a newline and an escape sequence stays on one line."""
    hostile = header() + question(b"\x06a\nb\x1b[J\x00")
    caplog.set_level(logging.INFO)

    a_core().responder.respond(hostile, UDP)
    assert caplog.text == ""

    a_core("--log-queries", "all").responder.respond(hostile, UDP)
    assert caplog.messages == [r"query a\010b\027[j. A over udp: rcode 5 by outside in 1000.000 ms"]


def test_a_stable_order_is_the_order_of_the_endpoints() -> None:
    """ENV-10: --answer-order stable; rotation otherwise."""
    stable, rotating = a_core("--answer-order=stable"), a_core()

    firsts = {
        core_name: {_first(core) for _ in range(3)}
        for core_name, core in (("stable", stable), ("rotating", rotating))
    }

    assert firsts["stable"] == {"many.prod.svc.cluster.local. 30 IN A 10.1.0.1"}
    assert len(firsts["rotating"]) == 3


def _first(core: Core) -> str:
    reply = core.responder.respond(MANY, TCP)
    assert isinstance(reply, bytes)
    return oracle.read(reply).answer[0]
