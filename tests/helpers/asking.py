"""Asks ``respond`` about the target table's cluster, as over UDP and TCP at once.

Rules of this file:

- Both transports give the same octets; what differs between them is not asked here.
- After every message the next good query is answered.
"""

from kubedns_py.cluster.objects import Address
from kubedns_py.server.arrival import IPV4, Arrival
from tests.helpers import oracle
from tests.helpers.octets import header, name, question
from tests.helpers.scenario import SCENARIOS, load
from tests.helpers.work import lines_run

CLUSTER = load(SCENARIOS / "1.0_target_table", forwards=False)
LOOPBACK = Address(b"\x7f\0\0\1")
UDP = Arrival("udp", IPV4, LOOPBACK)
TCP = Arrival("tcp", IPV4, LOOPBACK)

WEB = name("web.prod.svc.cluster.local")
WEB_LINE = "web.prod.svc.cluster.local. 30 IN A 10.96.0.10"
GOOD = header() + question(WEB)
NEGATIVE = (
    "cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. "
    "SERIAL 7200 1800 86400 5"
)
COSTLIEST = 4_800
"""Lines of Python that no message may run: twenty times a usual query, which runs 240."""


def ask(message: bytes) -> bytes | None:
    """Return the reply, which UDP and TCP agree on, and see that the next query is answered."""
    over_udp, over_tcp = (CLUSTER.reply(message, arrival) for arrival in (UDP, TCP))
    assert over_udp == over_tcp
    for arrival in (UDP, TCP):
        good = CLUSTER.reply(GOOD, arrival)
        assert good is not None
        assert oracle.read(good).answer == (WEB_LINE,)
    return over_udp


def read(message: bytes) -> oracle.Reading:
    """Return the reply as dnspython reads it; it has our ID."""
    reply = ask(message)
    assert reply is not None
    reading = oracle.read(reply)
    assert reading.message_id == oracle.ID
    assert "QR" in reading.flags
    return reading


def is_an_error_no_larger_than_asked(message: bytes, rcode: str) -> None:
    """See that the reply is an error without data, and no amplification."""
    reading = read(message)
    assert reading.rcode == rcode
    assert reading.answer == reading.authority == reading.additional == ()
    assert reading.flags <= {"QR", "RD"}
    assert reading.size <= len(message)


def echoes(message: bytes) -> bool:
    """Tell whether the reply has the question octet for octet."""
    reply = ask(message)
    asked = oracle.question_octets(message)
    return reply is not None and reply[12 : 12 + len(asked)] == asked


def cost(message: bytes) -> int:
    """Return how many lines_run an answer over TCP takes."""
    return lines_run(lambda: CLUSTER.respond(message, TCP))
