"""Queries that are unusual: reliability 2.1, M-26 to M-37 and M-45, through ``respond``.

Rules of this file:

- Every case is answered as over UDP and as over TCP in the same way.
- dnspython reads every reply.
- After every message the next good query is answered.
"""

import itertools
import struct

import pytest

from tests.helpers import oracle
from tests.helpers.asking import (
    COSTLIEST,
    GOOD,
    NEGATIVE,
    WEB,
    WEB_LINE,
    ask,
    cost,
    is_an_error_no_larger_than_asked,
    read,
)
from tests.helpers.octets import (
    IN,
    POINTER_TO_QUESTION,
    RD,
    SOA,
    header,
    name,
    opt,
    option,
    question,
    record,
    tsig,
)

# -- classes and types


@pytest.mark.parametrize("rclass", [3, 4, 254, 255, 0, 2, 65535])
def test_only_class_in_is_served(rclass: int) -> None:
    """M-26, T-54."""
    for owner in (WEB, name("version.bind"), name("example.org"), name("")):
        reading = read(header() + question(owner, 16, rclass))
        assert reading.rcode == "REFUSED"
        assert reading.answer == reading.authority == reading.additional == ()
        assert "AA" not in reading.flags


@pytest.mark.parametrize("rtype", ["TYPE65280", "TYPE1000", "TYPE0", "TYPE65535"])
def test_unknown_types_are_types(rtype: str) -> None:
    """M-27: RFC 3597."""
    there = read(oracle.query("web.prod.svc.cluster.local.", rtype))
    assert (there.rcode, there.answer, there.authority) == ("NOERROR", (), (NEGATIVE,))
    missing = read(oracle.query("nope.prod.svc.cluster.local.", rtype))
    assert (missing.rcode, missing.authority) == ("NXDOMAIN", (NEGATIVE,))


@pytest.mark.parametrize("rtype", [251, 252])
@pytest.mark.parametrize(
    "zone", ["cluster.local", "in-addr.arpa", "example.org", "web.prod.svc.cluster.local"]
)
def test_no_zone_is_transferred(rtype: int, zone: str) -> None:
    """M-28, T-53."""
    is_an_error_no_larger_than_asked(header() + question(name(zone), rtype), "REFUSED")


def test_an_incremental_transfer_with_its_soa_is_refused() -> None:
    """M-28: RFC 1995, 3: the SOA stands in the authority section."""
    soa = record(POINTER_TO_QUESTION, SOA, IN, bytes(2) + struct.pack("!5I", 1, 2, 3, 4, 5))
    message = header(ns=1) + question(name("cluster.local"), 251) + soa
    is_an_error_no_larger_than_asked(message, "REFUSED")
    with_opt = read(header(ns=1, ar=1) + question(name("cluster.local"), 251) + soa + opt())
    assert with_opt.rcode == "REFUSED"
    assert with_opt.edns is not None
    assert [code for code, _ in with_opt.edns.errors] == [18]


@pytest.mark.parametrize(
    "owner", ["web.prod.svc.cluster.local", "cluster.local", "db.prod.svc.cluster.local"]
)
def test_any_is_answered_with_little(owner: str) -> None:
    """M-29, RFC 8482: at most 100 octets more than the question."""
    query = oracle.query(owner + ".", "ANY")
    reading = read(query)
    assert reading.answer == (f'{owner}. 30 IN HINFO "RFC8482" ""',)
    assert reading.size <= len(query) + 100


@pytest.mark.parametrize("rtype", [41, 249, 250, 253, 254])
def test_types_that_are_no_data_are_an_error(rtype: int) -> None:
    """M-30, ENV-28: OPT, TKEY, TSIG, MAILB, MAILA."""
    reading = read(header() + question(WEB, rtype))
    assert reading.rcode in {"NOTIMP", "FORMERR"}
    assert reading.answer == reading.authority == ()
    assert "AA" not in reading.flags


# -- header bits


@pytest.mark.parametrize("bit", [0x0400, 0x0080, 0x0040], ids=["AA", "RA", "Z"])
def test_bits_that_mean_nothing_in_a_query_are_not_copied(bit: int) -> None:
    """M-31: RFC 8906."""
    assert ask(header(RD | bit) + question(WEB)) == ask(GOOD)


@pytest.mark.parametrize("bits", [0x0200, 0x0001, 0x0005, 0x000F], ids=["TC", "1", "5", "15"])
def test_a_query_that_says_truncated_or_failed_is_answered_or_an_error(bits: int) -> None:
    """M-31: Unbound and NSD say FORMERR; both are allowed. Nothing is copied."""
    reading = read(header(RD | bits) + question(WEB))
    assert reading.rcode in {"NOERROR", "FORMERR"}
    assert "TC" not in reading.flags


@pytest.mark.parametrize("bits", [0x0020, 0x0010, 0x0030], ids=["AD", "CD", "both"])
def test_nothing_is_said_to_be_authentic(bits: int) -> None:
    """M-32: RFC 6840, 5.8; the zone is not signed."""
    reading = read(header(RD | bits) + question(WEB))
    assert (reading.rcode, reading.answer) == ("NOERROR", (WEB_LINE,))
    assert "AD" not in reading.flags


def test_recursion_desired_is_copied_and_changes_nothing() -> None:
    """RFC 1035, 4.1.1; M-33 for a name outside."""
    assert read(header(0) + question(WEB)).flags == {"QR", "AA"}
    assert read(GOOD).flags == {"QR", "AA", "RD"}
    outside = read(header(0) + question(name("example.org")))
    assert (outside.rcode, outside.answer) == ("REFUSED", ())


@pytest.mark.parametrize("garbage", [1, 2, 11, 400])
def test_what_follows_the_query_is_ignored(garbage: int) -> None:
    """M-34: and not echoed."""
    assert ask(GOOD + b"\xff" * garbage) == ask(GOOD)
    with_opt = header(ar=1) + question(WEB) + opt()
    assert ask(with_opt + b"\xff" * garbage) == ask(with_opt)


# -- TSIG and OPT


def test_a_signature_of_an_unknown_key_is_no_accident() -> None:
    """M-35: a plain answer that trusts nothing, or NOTAUTH."""
    reading = read(header(ar=1) + question(WEB) + tsig())
    if reading.rcode == "NOERROR":
        assert reading.answer == (WEB_LINE,)
    else:
        assert (reading.rcode, reading.answer) == ("NOTAUTH", ())


@pytest.mark.parametrize(
    "records",
    [[tsig(), opt()], [tsig(), tsig()], [tsig(IN)], [opt(), tsig(IN)]],
    ids=["not-last", "two", "class-in", "class-in-after-opt"],
)
def test_a_signature_out_of_place_is_a_format_error(records: list[bytes]) -> None:
    """M-36: RFC 8945, 5.1."""
    message = header(ar=len(records)) + question(WEB) + b"".join(records)
    is_an_error_no_larger_than_asked(message, "FORMERR")


def test_a_signature_after_opt_is_in_its_place() -> None:
    """M-35, M-37: OPT, then TSIG."""
    reading = read(header(ar=2) + question(WEB) + opt() + tsig())
    assert reading.rcode in {"NOERROR", "NOTAUTH"}


BAD_OPTS = {
    "owner": header(ar=1) + question(WEB) + opt(owner=name("x")),
    "pointer-owner": header(ar=1) + question(WEB) + opt(owner=POINTER_TO_QUESTION),
    "in-answer": header(an=1) + question(WEB) + opt(),
    "in-authority": header(ns=1) + question(WEB) + opt(),
    "rdata-past-end": header(ar=1) + question(WEB) + record(b"\0", 41, 1232, b"", size=100),
    "option-past-end": header(ar=1) + question(WEB) + opt(struct.pack("!HH", 10, 8) + b"abc"),
    "half-an-option": header(ar=1) + question(WEB) + opt(b"\0\n\0"),
    "two": header(ar=2) + question(WEB) + opt() + opt(),
    "after-tsig": header(ar=2) + question(WEB) + tsig() + opt(),
    "cut": (header(ar=1) + question(WEB) + opt())[:-3],
}


@pytest.mark.parametrize("message", BAD_OPTS.values(), ids=BAD_OPTS.keys())
def test_a_broken_opt_is_a_format_error(message: bytes) -> None:
    """M-37: RFC 6891, 6.1.1."""
    is_an_error_no_larger_than_asked(message, "FORMERR")


@pytest.mark.parametrize("cut", range(1, 11))
def test_every_cut_of_an_opt_is_a_format_error(cut: int) -> None:
    """M-37, M-13."""
    message = header(ar=1) + question(WEB) + opt()
    is_an_error_no_larger_than_asked(message[:-cut], "FORMERR")


def test_worst_case_messages_cost_little() -> None:
    """M-14, M-19, M-38, M-45: a bound that stays when usual queries become cheaper."""
    pointers = header() + b"\xc0\x0c" * 32_000
    options = header(ar=1) + question(WEB) + opt(option(65001) * 2000)
    for message in (pointers, header() + b"\1a" * 32_000, options):
        assert cost(message) < COSTLIEST


def test_every_reply_has_the_id_of_its_query() -> None:
    """RFC 1035, 4.1.1: of all kinds of replies."""
    messages = (GOOD, header(qd=0), header(0x2800), header() + question(name("example.org")))
    for message, ident in itertools.product(messages, (0, 1, 0xFFFF)):
        reply = ask(struct.pack("!H", ident) + message[2:])
        assert reply is not None
        assert reply[:2] == struct.pack("!H", ident)
