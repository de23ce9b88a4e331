"""The estimate of what a reply costs is near what the interpreter says (row C-20)."""

import gc
import tracemalloc
from collections.abc import Callable
from ipaddress import IPv4Address

import pytest
from msgspec.structs import replace

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import Name, from_text, to_wire
from kubedns_py.dns.rcode import EDE_NETWORK_ERROR, NXDOMAIN, SERVFAIL, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import CNAME, IN, SOA, TXT, A, RRset, soa
from kubedns_py.upstream.cache import Cache
from kubedns_py.upstream.footprint import octets_of
from tests.helpers.fake_forwarder import DEFAULT

Made = tuple[Ask, Reply]


def name(text: str) -> Name:
    """Return a name no part of which is shared, as a reader of messages makes it."""
    return tuple(bytes(bytearray(label)) for label in from_text(text))


def addresses(number: int, count: int = 1) -> Made:
    """Return a reply with addresses."""
    owner = f"host{number}.some-service.example.com"
    rdatas = tuple(IPv4Address(0x0A000000 + number + each).packed for each in range(count))
    return Ask(name(owner), A, IN), Reply(0, answer=(RRset(name(owner), A, 300, rdatas),))


def chain(number: int) -> Made:
    """Return a reply as content networks give it."""
    asked = f"www{number}.some-service.example.com"
    first, second = f"lb{number}.edge.cdn.example.net", f"e{number}.pop.cdn.example.net"
    rdatas = tuple(IPv4Address(0x0A000000 + number * 4 + each).packed for each in range(4))
    links = (
        RRset(name(asked), CNAME, 300, (to_wire(name(first)),)),
        RRset(name(first), CNAME, 300, (to_wire(name(second)),)),
        RRset(name(second), A, 60, rdatas),
    )
    return Ask(name(asked), A, IN), Reply(0, answer=links)


def denial(number: int) -> Made:
    """Return NXDOMAIN for a random name."""
    rdata = soa(from_text("ns1.example.com"), from_text("hostmaster.example.com"), number, 900)
    authority = (RRset(name("example.com"), SOA, 900, (rdata,)),)
    return Ask(name(f"random{number}.example.com"), A, IN), Reply(NXDOMAIN, authority=authority)


def failure(number: int) -> Made:
    """Return what a client is told when no upstream answered."""
    story = f"192.0.2.{number % 256}:53 did not answer; 192.0.2.2:53 said SERVFAIL"
    reply = Reply(SERVFAIL, ede=ExtendedError(EDE_NETWORK_ERROR, story))
    return Ask(name(f"random{number}.example.com"), A, IN), reply


def text(number: int, *, strings: int = 1) -> Made:
    """Return 64 KiB of text in some records."""
    owner, size = f"txt{number}.example.com", 64000 // strings
    rdatas = tuple(number.to_bytes(4) + each.to_bytes(size - 4) for each in range(strings))
    return Ask(name(owner), TXT, IN), Reply(0, answer=(RRset(name(owner), TXT, 300, rdatas),))


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (addresses, 1200),
        (chain, 1000),
        (denial, 1200),
        (failure, 1200),
        (text, 200),
        (lambda number: text(number, strings=250), 200),
        (lambda number: addresses(number, 2000), 40),
    ],
    ids=["address", "chain", "denial", "failure", "64 KiB", "64 KiB in pieces", "2000 addresses"],
)
def test_the_estimate_is_within_30_percent_of_what_is_taken(
    make: Callable[[int], Made], count: int
) -> None:
    """C-20: the limit is in octets. A part of the entries has to go, as in a full cache."""
    ask, reply = make(10**6)
    cache = Cache(octets_of(ask, reply) * count)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(count + count // 2):
            ask, reply = make(number)
            cache.put(ask, reply, 0.0, origin=DEFAULT)
            cache.get(ask, 1.5)
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    counts = cache.counts()
    assert sum(counts.entries.values()) >= count // 5
    assert sum(counts.octets.values()) == pytest.approx(taken, rel=0.3)


def test_an_owner_that_is_the_questions_name_is_counted_once() -> None:
    """C-20: whoever reads replies may reuse it."""
    ask, reply = addresses(1)
    (rrset,) = reply.answer
    shared = Reply(0, answer=(replace(rrset, owner=ask.name),))

    assert octets_of(ask, shared) < octets_of(ask, reply)


def test_proofs_and_explanations_are_counted() -> None:
    """C-20: whatever an upstream can make long."""
    ask, reply = denial(1)
    _, failed = failure(1)

    bare = octets_of(ask, Reply(NXDOMAIN))

    assert octets_of(ask, reply) > bare + 200
    assert octets_of(ask, failed) > bare + 100
