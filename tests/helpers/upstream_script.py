"""What a fake upstream does to a question: behaviours for ``fake_upstream``, and their joints.

Rules of this file:

- A behaviour is ``async def (turn) -> None``; a test writes its own where none of these fits.
- dnspython builds the replies; a forgery is a good reply, changed in one place, and carries the
  address ``FORGED``, which nobody may ever be told.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from tests.helpers.fake_upstream import Asked, Behaviour, Turn

FORGED = "192.0.2.66"

_MAX_MESSAGE = 65535


def reply(asked: Asked, *records: str) -> dns.message.Message:
    """Return dnspython's response with these records in the answer section.

    Each is a line of presentation format; ``@`` for its owner stands for the name asked for.
    """
    made = dns.message.make_response(asked.message, recursion_available=True)
    made.answer = [_rrset(asked, line) for line in records]
    return made


def answer(
    *records: str,
    authority: Sequence[str] = (),
    additional: Sequence[str] = (),
    rcode: str = "NOERROR",
    flags: str = "",
) -> Behaviour:
    """Answer with records as ``reply`` takes them; ``flags`` such as ``"TC AD"`` are set too."""

    async def behave(turn: Turn) -> None:
        made = reply(turn.asked, *records)
        made.authority = [_rrset(turn.asked, line) for line in authority]
        made.additional = [_rrset(turn.asked, line) for line in additional]
        made.set_rcode(dns.rcode.from_text(rcode))
        made.flags |= dns.flags.from_text(flags)
        turn.send(made.to_wire(max_size=_MAX_MESSAGE))

    return behave


def octets(make: Callable[[Asked], bytes]) -> Behaviour:
    """Answer with the octets that ``make`` returns."""

    async def behave(turn: Turn) -> None:
        turn.send(make(turn.asked))

    return behave


def forged(how: str) -> Behaviour:
    """Answer with the address ``FORGED`` in a reply that must not be taken; see ``FORGERIES``."""

    def make(asked: Asked) -> bytes:
        made = reply(asked, f"@ 3600 IN A {FORGED}")
        made.use_edns(-1)
        return FORGERIES[how](made)

    return octets(make)


def elsewhere(how: str) -> Behaviour:
    """Answer from another ``port`` or ``address`` than was asked, with the right ID; UDP only."""

    async def behave(turn: Turn) -> None:
        host, port = turn.up.nameserver.host, turn.up.nameserver.port
        family = turn.up.udp_socket.family
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((host, 0) if how == "port" else ("127.0.0.2", port))
            sock.sendto(reply(turn.asked, f"@ 3600 IN A {FORGED}").to_wire(), turn.asked.source)

    return behave


def in_case(change: Callable[[bytes], bytes], *records: str) -> Behaviour:
    """Answer with the question in a case of the server's own; ``bytes.lower``, say."""

    def make(asked: Asked) -> bytes:
        wire = _octets(reply(asked, *records))
        end = 12 + len(asked.message.question[0].name.to_wire() or b"")
        return wire[:12] + change(wire[12:end]) + wire[end:]

    return octets(make)


def silent() -> Behaviour:
    """Never answer."""

    async def behave(_: Turn) -> None:
        pass

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Do several things to one question, one after the other."""

    async def behave(turn: Turn) -> None:
        for each in behaviours:
            await each(turn)

    return behave


def late(event: asyncio.Event, then: Behaviour) -> Behaviour:
    """Wait until the test says so."""

    async def behave(turn: Turn) -> None:
        await event.wait()
        await then(turn)

    return behave


def slow(delay_s: float, then: Behaviour) -> Behaviour:
    """Take some time, as a server far away does."""

    async def behave(turn: Turn) -> None:
        await asyncio.sleep(delay_s)
        await then(turn)

    return behave


def by_name(behaviours: Mapping[str, Behaviour]) -> Behaviour:
    """Choose by the absolute name asked for, or ``"AAAA name."``; what is not listed is refused."""

    async def behave(turn: Turn) -> None:
        name = turn.asked.name.lower()
        keys = (f"{turn.asked.rtype} {name}", name)
        known = [behaviours[key] for key in keys if key in behaviours]
        await (known[0] if known else answer(rcode="REFUSED"))(turn)

    return behave


def by_transport(*, udp: Behaviour, stream: Behaviour) -> Behaviour:
    """Choose by the way that the question came."""

    async def behave(turn: Turn) -> None:
        await (udp if turn.asked.transport == "udp" else stream)(turn)

    return behave


def without_edns(then: Behaviour, *, refusal: str = "FORMERR") -> Behaviour:
    """Refuse a question that has an OPT record, without one, as servers before EDNS do."""

    async def behave(turn: Turn) -> None:
        if turn.asked.message.edns < 0:
            await then(turn)
            return
        made = reply(turn.asked)
        made.use_edns(-1)
        made.set_rcode(dns.rcode.from_text(refusal))
        turn.send(made.to_wire())

    return behave


def closing(*, reset: bool = False) -> Behaviour:
    """End the connection that the question came on."""

    async def behave(turn: Turn) -> None:
        turn.close(reset=reset)

    return behave


def in_pieces(size: int, make: Callable[[Asked], bytes]) -> Behaviour:
    """Answer on a stream with the octets that ``make`` returns, a few at a time."""

    async def behave(turn: Turn) -> None:
        message = make(turn.asked)
        framed = len(message).to_bytes(2) + message
        for at in range(0, len(framed), size):
            turn.send_octets(framed[at : at + size])
            await asyncio.sleep(0)

    return behave


def _rrset(asked: Asked, line: str) -> dns.rrset.RRset:
    owner, ttl, rclass, rtype, rdata = line.split(None, 4)
    name = asked.message.question[0].name if owner == "@" else owner
    return dns.rrset.from_text(name, int(ttl), rclass, rtype, rdata)


Message = dns.message.Message
Forgery = Callable[[Message], bytes]


def _octets(made: Message) -> bytes:
    return made.to_wire(max_size=_MAX_MESSAGE)


def _other_id(made: Message) -> bytes:
    made.id ^= 1
    return _octets(made)


def _no_response(made: Message) -> bytes:
    made.flags &= ~dns.flags.QR
    return _octets(made)


def _other_opcode(made: Message) -> bytes:
    made.set_opcode(dns.opcode.STATUS)
    return _octets(made)


def _question(name: str = "", rtype: str = "", rclass: str = "") -> Forgery:
    def forge(made: Message) -> bytes:
        asked = made.question[0]
        made.question[0] = dns.rrset.RRset(
            dns.name.from_text(name) if name else asked.name,
            dns.rdataclass.from_text(rclass) if rclass else asked.rdclass,
            dns.rdatatype.from_text(rtype) if rtype else asked.rdtype,
        )
        return _octets(made)

    return forge


def _no_question(made: Message) -> bytes:
    made.question = []
    return _octets(made)


def _two_questions(made: Message) -> bytes:
    made.question *= 2
    return _octets(made)


FORGERIES: Mapping[str, Forgery] = {
    "id": _other_id,
    "qr": _no_response,
    "opcode": _other_opcode,
    "name": _question(name="other.test."),
    "type": _question(rtype="TXT"),
    "class": _question(rclass="CH"),
    "no question": _no_question,
    "two questions": _two_questions,
    "empty": lambda _: b"",
    "short": lambda made: _octets(made)[:11],
    "cut question": lambda made: _octets(made)[:14],
    "cut record": lambda made: _octets(made)[:-1],
    "bad pointer": lambda made: _octets(made).replace(b"\xc0\x0c", b"\xff\xff"),
    "bad length": lambda made: _octets(made)[:-6] + b"\xff\xff" + _octets(made)[-4:],
    "garbage": lambda made: made.id.to_bytes(2) + b"\xff" * 40,
}
"""What is wrong with a reply, and how it is made from a good one with one A record."""
