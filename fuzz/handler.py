"""The handler under test, and what must hold for every message that it gets."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import dns.exception
import dns.message

from kubedns_py.assembly import Core, Identity, assemble
from kubedns_py.cluster.objects import (
    Address,
    Endpoint,
    Endpoints,
    Key,
    Namespace,
    Port,
    Service,
    ServiceKind,
    ServicePort,
    Subset,
)
from kubedns_py.cluster.resources import Resource
from kubedns_py.config.arguments import load
from kubedns_py.resolver.view import Known
from kubedns_py.server.arrival import Arrival
from kubedns_py.server.respond import Chances

_LOOPBACK = Address(bytes((127, 0, 0, 1)))
UDP = Arrival("udp", 1, _LOOPBACK)
TCP = Arrival("tcp", 1, _LOOPBACK)
_MOST = {"udp": 1232, "tcp": 65535}
_HTTP = Port("http", "tcp", 80)


class BrokenInvariantError(Exception):
    """A reply that must not exist. The text names the invariant and the message in hex."""


def a_core() -> Core:
    """Return a core with one object of each kind, and a service of 5,000 endpoints."""
    config = load([], {}, program="fuzz").config
    chances = Chances(time.perf_counter, itertools.count().__next__)
    core = assemble(config, chances, identity=Identity("fuzz", "fuzz"))
    store = core.store
    store.put(Resource.NAMESPACES, Namespace(Key("", "prod")))
    for service in (
        _service("web", ServiceKind.CLUSTER_IP, cluster_ips=(Address(bytes((10, 96, 0, 10))),)),
        _service("db", ServiceKind.HEADLESS),
        _service("many", ServiceKind.HEADLESS),
        _service("ext", ServiceKind.EXTERNAL_NAME, external_name="example.org"),
        _service("loopa", ServiceKind.EXTERNAL_NAME, external_name="loopa.prod.svc.cluster.local"),
    ):
        store.put(Resource.SERVICES, service)
    _endpoints(core, "db", [Endpoint((Address(bytes((10, 1, 1, 1))),), "db-0")])
    addresses = [Address((0x0A020000 + index).to_bytes(4, "big")) for index in range(5000)]
    _endpoints(core, "many", [Endpoint((address,)) for address in addresses])
    core.commit(0.0)
    core.view.known = Known.ALL
    return core


def _service(
    name: str,
    kind: ServiceKind,
    *,
    cluster_ips: tuple[Address, ...] = (),
    external_name: str = "",
) -> Service:
    ports = () if kind is ServiceKind.EXTERNAL_NAME else (ServicePort(_HTTP, 80),)
    return Service(
        Key("prod", name), kind, cluster_ips=cluster_ips, ports=ports, external_name=external_name
    )


def _endpoints(core: Core, name: str, endpoints: list[Endpoint]) -> None:
    subset = Subset(tuple(endpoints), (_HTTP,))
    item = Endpoints(Key("prod", f"{name}-1"), Key("prod", name), (subset,))
    core.store.put(Resource.ENDPOINTSLICES, item)


def check(core: Core, message: bytes) -> None:
    """Send a message both ways and hold the replies against the invariants.

    Raises:
        BrokenInvariantError: one does not hold.
    """
    panics = core.tally.snapshot().panics if len(message) % 64 == 0 else None
    for arrival in (UDP, TCP):
        reply = core.responder.respond(message, arrival)
        if isinstance(reply, bytes):  # nobody else can be asked: this core has no upstream
            _check_reply(message, reply, _MOST[arrival.proto])
    if panics is not None and core.tally.snapshot().panics != panics:
        raise BrokenInvariantError(f"the handler had to recover: {message.hex()}")


def _check_reply(message: bytes, reply: bytes, most: int) -> None:
    facts: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("answers nothing that is no query", lambda: len(message) >= 12 and message[2] < 0x80),
        ("has the id of the query", lambda: reply[:2] == message[:2]),
        ("is a response", lambda: reply[2] >= 0x80),
        ("fits", lambda: len(reply) <= most),
        ("echoes the question", lambda: _echoes(message, reply)),
    )
    for fact, holds in facts:
        if not holds():
            raise BrokenInvariantError(f"not so: the reply {fact}: {message.hex()}")
    try:
        dns.message.from_wire(reply)
    except dns.exception.DNSException as error:
        raise BrokenInvariantError(f"unreadable ({error}): {message.hex()}") from error


def _echoes(message: bytes, reply: bytes) -> bool:
    """Tell whether the question's name, up to its first zero octet, came back as it was sent."""
    if reply[4:6] == b"\0\0":
        return True
    end = reply.index(b"\0", 12) + 1
    return message[12:end] == reply[12:end]
