"""The scenario runner itself: that it asks what a case says, and that a wrong reply fails.

Rules of this file:

- Each test begins with a reply that satisfies its case, and spoils one thing.
"""

import struct

import pytest

from tests.helpers import oracle
from tests.helpers.cases import Case, parse
from tests.helpers.compare import differences, queries
from tests.helpers.octets import IN, QR, A, header, name, opt, question, record

AA = 0x0400
OWNER = name("web.prod.svc.cluster.local")
TEXT = """
# a Service
Q web.prod.svc.cluster.local. A
R NOERROR AA
AN web.prod.svc.cluster.local. 0 IN A 10.96.0.10
"""


def case(text: str = TEXT) -> Case:
    """Return the only case of a text."""
    (only,) = parse(text)
    return only


def reply(
    *, flags: int = QR | AA | 0x0100, extra: bytes = b"", address: bytes = b"\x0a\x60\0\x0a"
) -> bytes:
    """Return the reply that the case states, or nearly."""
    answer = record(b"\xc0\x0c", A, IN, address)
    return header(flags, an=1, ar=bool(extra)) + question(OWNER) + answer + extra


PLAIN, WITH_EDNS = queries(case().question)


def test_a_question_is_asked_without_and_with_edns() -> None:
    """So that both OPT rules are seen to hold for every case."""
    assert oracle.read(PLAIN).edns is None
    assert oracle.read(WITH_EDNS).edns == oracle.Edns(0, 1232, 0, (), ())


def test_the_stated_reply_is_no_difference() -> None:
    """The other tests spoil this one."""
    assert differences(case(), PLAIN, reply()) == []
    assert differences(case(), WITH_EDNS, reply(extra=opt())) == []


SPOILED = {
    "silence": (PLAIN, None),
    "rcode": (PLAIN, reply(flags=QR | AA | 0x0103)),
    "not authoritative": (PLAIN, reply(flags=QR | 0x0100)),
    "truncated": (PLAIN, reply(flags=QR | AA | 0x0300)),
    "recursion available": (PLAIN, reply(flags=QR | AA | 0x0180)),
    "recursion desired is not copied": (PLAIN, reply(flags=QR | AA)),
    "another address": (PLAIN, reply(address=b"\x0a\x60\0\x0b")),
    "an OPT record that nobody sent": (PLAIN, reply(extra=opt())),
    "no OPT record": (WITH_EDNS, reply()),
    "an additional record": (PLAIN, reply(extra=record(b"\xc0\x0c", A, IN, bytes(4)))),
    "an extended error": (WITH_EDNS, reply(extra=opt(struct.pack("!HHH", 15, 2, 20)))),
    "another option": (WITH_EDNS, reply(extra=opt(struct.pack("!HH", 100, 0)))),
    "DO that nobody set": (WITH_EDNS, reply(extra=opt(flags=0x8000))),
    "another ID": (PLAIN, b"\0\0" + reply()[2:]),
    "another spelling": (PLAIN, reply().replace(b"\3web", b"\3wEb")),
}


@pytest.mark.parametrize(("query", "spoiled"), SPOILED.values(), ids=SPOILED.keys())
def test_a_reply_that_is_not_as_stated_is_a_difference(query: bytes, spoiled: bytes | None) -> None:
    """A guard is finished when it has been seen to fail."""
    assert differences(case(), query, spoiled)


def test_the_order_matters_unless_the_case_says_otherwise() -> None:
    """The keyword ``unordered``."""
    text = "# two\nQ web.prod.svc.cluster.local. A\nR NOERROR AA{}\n" + "".join(
        f"AN web.prod.svc.cluster.local. 0 IN A 10.0.0.{last}\n" for last in (2, 1)
    )
    answers = [record(b"\xc0\x0c", A, IN, bytes([10, 0, 0, last])) for last in (1, 2)]
    both = header(QR | AA | 0x0100, an=2) + question(OWNER) + b"".join(answers)
    assert differences(case(text.format("")), PLAIN, both)
    assert differences(case(text.format(" unordered")), PLAIN, both) == []


def test_an_extended_error_is_known_by_its_code_and_a_word() -> None:
    """``EDE 0 loop``."""
    looped = opt(struct.pack("!HHH", 15, 2 + 10, 0) + b"CNAME loop")
    assert differences(case(TEXT + "EDE 0 loop"), WITH_EDNS, reply(extra=looped)) == []
    assert differences(case(TEXT + "EDE 0 chain"), WITH_EDNS, reply(extra=looped))
    assert differences(case(TEXT + "EDE 14"), WITH_EDNS, reply(extra=looped))
    assert differences(case(TEXT + "EDE *"), WITH_EDNS, reply(extra=looped)) == []
    assert differences(case(TEXT + "EDE 0 loop"), WITH_EDNS, reply(extra=opt()))


@pytest.mark.parametrize(
    "text",
    [
        "Q a. A\nR NOERROR",
        "# no question\nR NOERROR",
        "# no reply\nQ a. A",
        "# order\nQ a. A\nAN a. 0 IN A 1.2.3.4\nR NOERROR",
        "# a flag\nQ a. A\nR NOERROR RA",
        "# a section\nQ a. A\nR NOERROR\nXX a. 0 IN A 1.2.3.4",
    ],
)
def test_a_case_that_is_not_whole_is_refused(text: str) -> None:
    """A mistyped line must not become a case that expects nothing."""
    with pytest.raises(ValueError, match=r".+"):
        parse(text)
