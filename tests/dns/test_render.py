"""Replies to octets, read back by dnspython; exact octets where a client may depend on them."""

import struct
from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from kubedns_py.dns.made import Later, Made
from kubedns_py.dns.name import Name, from_text, to_text, to_wire
from kubedns_py.dns.query import Edns, Query, Reject, read_query
from kubedns_py.dns.rcode import (
    BADVERS,
    FORMERR,
    NOERROR,
    NOTIMP,
    NXDOMAIN,
    REFUSED,
    SERVFAIL,
    ExtendedError,
)
from kubedns_py.dns.render import (
    TCP_LIMIT,
    Reply,
    Shape,
    render,
    render_reject,
    udp_limit,
)
from kubedns_py.dns.rrset import AAAA, CNAME, NS, PTR, SOA, SRV, TXT, A, RRset, soa, srv, txt
from tests.helpers import oracle
from tests.helpers.objects import address
from tests.helpers.work import lines_run

D = from_text("cluster.local")
WEB = from_text("web.shop.svc.cluster.local")
PLAIN = Shape()
SOA_D = RRset(D, SOA, 5, (soa(from_text("ns.dns.cluster.local"), (b"hostmaster", *D), 7, 5),))
SOA_LINE = (
    "cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. "
    "SERIAL 7200 1800 86400 5"
)


def asked(name: str, rtype: str = "A", rclass: str = "IN", *, edns: int | None = None) -> Query:
    """Return the query that a client makes."""
    query = read_query(oracle.query(name, rtype, rclass, edns=edns))
    assert isinstance(query, Query)
    return query


def found(
    *answer: RRset, authority: tuple[RRset, ...] = (), additional: tuple[RRset, ...] = ()
) -> Reply:
    """Return an authoritative reply with records."""
    return Reply(
        NOERROR,
        authoritative=True,
        answer=answer,
        authority=authority,
        additional=additional,
    )


def a_set(owner: Name, count: int) -> RRset:
    """Return addresses 10.0.0.0, 10.0.0.1 and so on."""
    return RRset(owner, A, 30, tuple(struct.pack("!I", 10 << 24 | n) for n in range(count)))


def rendered(query: Query, reply: Reply, limit: int, *, shape: Shape, turn: int) -> bytes:
    """Return the octets of a reply."""
    return render(query, reply, limit, shape=shape, turn=turn).octets


def over_tcp(query: Query, reply: Reply, *, shape: Shape = PLAIN, turn: int = 0) -> oracle.Reading:
    """Return what dnspython reads in a reply over TCP."""
    return oracle.read(rendered(query, reply, TCP_LIMIT, shape=shape, turn=turn))


def test_a_reply_is_these_octets() -> None:
    """T-9, ENV-12: question echoed, owner as a pointer to it."""
    query = asked("web.shop.svc.cluster.local.")
    reply = Reply(NOERROR, authoritative=True, answer=(RRset(WEB, A, 30, (b"\x0a\x03\0\1",)),))

    octets = rendered(query, reply, 512, shape=PLAIN, turn=0)

    assert octets == bytes.fromhex(
        "2b1d 8500 0001 0001 0000 0000"
        "03 776562 04 73686f70 03 737663 07 636c7573746572 05 6c6f63616c 00 0001 0001"
        "c00c 0001 0001 0000001e 0004 0a030001"
    )


def test_sections_stand_in_their_order_and_are_counted() -> None:
    """RFC 1035, 4.1."""
    answer = RRset(WEB, CNAME, 30, (to_wire(from_text("example.org")),))
    glue = RRset(from_text("ns.dns.cluster.local"), A, 30, (address("10.0.0.1"),))

    reading = over_tcp(
        asked("web.shop.svc.cluster.local."), found(answer, authority=(SOA_D,), additional=(glue,))
    )

    assert reading.question == ("web.shop.svc.cluster.local. IN A",)
    assert reading.answer == ("web.shop.svc.cluster.local. 30 IN CNAME example.org.",)
    assert reading.authority == (SOA_LINE,)
    assert reading.additional == ("ns.dns.cluster.local. 30 IN A 10.0.0.1",)


@pytest.mark.parametrize(
    ("rcode", "text"),
    [(NOERROR, "NOERROR"), (SERVFAIL, "SERVFAIL"), (NXDOMAIN, "NXDOMAIN"), (REFUSED, "REFUSED")],
)
def test_the_response_code_is_said(rcode: int, text: str) -> None:
    """RFC 1035, 4.1.1."""
    assert over_tcp(asked("a."), Reply(rcode)).rcode == text


def test_only_recursion_desired_is_copied_from_the_flags() -> None:
    """M-31, M-32: AA, TC, RA, Z, AD, CD and RCODE of the query are not."""
    every = Query(7, 0x07FF, b"\0\0\1\0\1", (), A, 1, None)
    none = Query(7, 0, b"\0\0\1\0\1", (), A, 1, None)

    assert over_tcp(every, Reply(NOERROR)).flags == {"QR", "RD"}
    assert over_tcp(none, Reply(NOERROR)).flags == {"QR"}


def test_authority_and_recursion_are_ours_to_say() -> None:
    """ENV-1, ENV-2, ENV-3."""
    shape = Shape(recursion_available=True)

    reading = over_tcp(asked("a."), Reply(NXDOMAIN, authoritative=True), shape=shape)

    assert reading.flags == {"QR", "AA", "RD", "RA"}


def test_the_question_is_echoed_in_the_clients_spelling_and_so_is_the_owner() -> None:
    """T-64, M-25, ENV-8."""
    query = asked("WeB.sHoP.svc.cluster.LOCAL.")
    reply = found(a_set(WEB, 2))

    octets = rendered(query, reply, 512, shape=PLAIN, turn=0)

    assert oracle.question_octets(octets) == query.question
    assert oracle.read(octets).answer == (
        "WeB.sHoP.svc.cluster.LOCAL. 30 IN A 10.0.0.0",
        "WeB.sHoP.svc.cluster.LOCAL. 30 IN A 10.0.0.1",
    )


def test_targets_stay_in_lower_case_however_the_question_is_spelled() -> None:
    """ENV-8: also a target that equals the question, or its suffix."""
    query = asked("WEB.shop.SVC.cluster.local.", "PTR")
    targets = (to_wire(WEB), to_wire(from_text("db.shop.svc.cluster.local")))

    reading = over_tcp(query, found(RRset(WEB, PTR, 30, targets), authority=(SOA_D,)))

    assert reading.answer == (
        "WEB.shop.SVC.cluster.local. 30 IN PTR web.shop.svc.cluster.local.",
        "WEB.shop.SVC.cluster.local. 30 IN PTR db.shop.svc.cluster.local.",
    )
    assert reading.authority == (SOA_LINE,)


def test_names_share_their_suffixes() -> None:
    """ENV-12: in the types of RFC 1035 and no others (RFC 3597, 4)."""
    query = asked("cluster.local.", "NS")
    target = from_text("ns.dns.cluster.local")
    rrsets = (RRset(D, NS, 30, (to_wire(target),)), RRset(D, SRV, 30, (srv(1, 2, target),)))

    octets = rendered(query, found(*rrsets), 512, shape=PLAIN, turn=0)

    assert octets[12 + len(query.question) :] == (
        b"\xc0\x0c\0\2\0\1\0\0\0\x1e\0\x09\2ns\3dns\xc0\x0c"
        b"\xc0\x0c\0\x21\0\1\0\0\0\x1e\0\x1c\0\0\0\1\0\2\2ns\3dns\7cluster\5local\0"
    )


@pytest.mark.parametrize(
    ("targets", "rdata"),
    [
        (["db.shop.svc.cluster.local"], b"\2db\xc0\x10"),
        (["a.local"], b"\1a\xc0\x21"),
        (["a.blocal"], b"\1a\6blocal\0"),
        (["a.org"], b"\1a\3org\0"),
        (["."], b"\0"),
        (["a.org", "b.a.org"], b"\1b\xc0\x38"),
    ],
)
def test_a_target_alone_shares_what_it_has_in_common(targets: list[str], rdata: bytes) -> None:
    """ENV-12: with the question, and with the targets before it."""
    rrset = RRset(WEB, PTR, 30, tuple(to_wire(from_text(text)) for text in targets))

    octets = rendered(asked(to_text(WEB), "PTR"), found(rrset), 512, shape=PLAIN, turn=0)

    assert octets.endswith(b"\xc0\x0c\0\x0c\0\1\0\0\0\x1e" + struct.pack("!H", len(rdata)) + rdata)


def test_the_root_is_an_owner_and_a_target_like_any_other() -> None:
    """M-22."""
    rrset = RRset((), NS, 30, (to_wire(()), to_wire(D)))

    assert over_tcp(asked(".", "NS"), found(rrset)).answer == (
        ". 30 IN NS .",
        ". 30 IN NS cluster.local.",
    )


def test_chaos_questions_get_chaos_records() -> None:
    """ENV-23: the class of an answer is the class of its question (RFC 1034, 3.6)."""
    name = from_text("version.bind")
    reply = found(RRset(name, TXT, 0, (txt(b"1.0"),)))

    assert over_tcp(asked("version.bind.", "TXT", "CH"), reply).answer == (
        'version.bind. 0 CH TXT "1.0"',
    )


# -- EDNS


def test_opt_is_there_exactly_if_the_query_had_one() -> None:
    """ENV-13, RFC 6891, 7."""
    shape = Shape(udp_octets=1400)

    assert over_tcp(asked("a."), Reply(NOERROR), shape=shape).edns is None
    assert over_tcp(asked("a.", edns=4096), Reply(NOERROR), shape=shape).edns == oracle.Edns(
        version=0, payload=1400, flags=0, errors=(), others=()
    )


def test_dnssec_ok_is_copied_and_nothing_else() -> None:
    """RFC 3225, 3; 2.2."""
    query = Query(7, 0, b"\0\0\1\0\1", (), A, 1, Edns(4096, 0, do=True))

    assert over_tcp(query, Reply(NOERROR)).edns == oracle.Edns(0, 1232, 0x8000, (), ())


def test_a_response_code_above_15_is_split_between_header_and_opt() -> None:
    """T-57, RFC 6891, 6.1.3: BADVERS, with our version."""
    query = Query(7, 0, b"\0\0\1\0\1", (), A, 1, Edns(4096, 1, do=True))

    reading = over_tcp(query, Reply(BADVERS))

    assert reading.rcode == "BADVERS"
    assert reading.edns == oracle.Edns(0, 1232, 0x8000, (), ())


def test_an_extended_error_is_told_to_who_speaks_edns() -> None:
    """RFC 8914, 2; T-53, T-60."""
    reply = Reply(REFUSED, ede=ExtendedError(18, "zone transfer is not served"))

    assert over_tcp(asked("a."), reply).edns is None
    told = over_tcp(asked("a.", edns=512), reply).edns
    assert told is not None
    assert told.errors == ((18, "zone transfer is not served"),)


@pytest.mark.parametrize(
    ("payload", "ceiling", "limit"),
    [
        (None, 1232, 512),
        (0, 1232, 512),
        (511, 1232, 512),
        (513, 1232, 513),
        (1231, 1232, 1231),
        (4096, 1232, 1232),
        (65535, 4096, 4096),
        (4096, 512, 512),
    ],
)
def test_a_datagram_is_as_large_as_both_sides_want(
    payload: int | None, ceiling: int, limit: int
) -> None:
    """M-44, ENV-14, ENV-15, RFC 6891, 6.2.3 to 6.2.5."""
    edns = None if payload is None else Edns(payload, 0, do=False)

    assert udp_limit(edns, Shape(udp_octets=ceiling)) == limit


# -- errors without an answer


def test_a_refusal_is_a_header_with_the_opcode_and_recursion_desired() -> None:
    """M-03, T-55: id, opcode and RD copied, all counts zero."""
    reject = Reject(NOTIMP, 0x1234, 5 << 11 | 0x07FF)

    assert render_reject(reject, PLAIN) == bytes.fromhex("1234 a904 0000 0000 0000 0000")


def test_a_refusal_echoes_the_question_where_it_could_be_read() -> None:
    """M-10."""
    question = b"\3WeB\0\0\1\0\1"

    assert render_reject(Reject(FORMERR, 1, 0, question), PLAIN) == (
        bytes.fromhex("0001 8001 0001 0000 0000 0000") + question
    )


def test_a_refusal_carries_opt_where_it_has_to() -> None:
    """M-06, RFC 6891, 7."""
    octets = render_reject(Reject(FORMERR, 1, 0, edns=Edns(512, 0, do=False)), PLAIN)

    assert octets == bytes.fromhex("0001 8001 0000 0000 0000 0001  00 0029 04d0 00000000 0000")


# -- order and number of records


@pytest.mark.parametrize(
    ("turn", "last_octets"), [(0, [0, 1, 2]), (1, [1, 2, 0]), (2, [2, 0, 1]), (7, [1, 2, 0])]
)
def test_addresses_take_turns_in_coming_first(turn: int, last_octets: list[int]) -> None:
    """ENV-10."""
    reading = over_tcp(asked("web.shop.svc.cluster.local."), found(a_set(WEB, 3)), turn=turn)

    assert reading.answer == tuple(
        f"web.shop.svc.cluster.local. 30 IN A 10.0.0.{each}" for each in last_octets
    )


def test_pointers_keep_their_order() -> None:
    """PTR-6: the first one is the first one."""
    targets = (to_wire((b"a",)), to_wire((b"b",)))

    reading = over_tcp(asked("x.", "PTR"), found(RRset((b"x",), PTR, 1, targets)), turn=1)

    assert reading.answer == ("x. 1 IN PTR a.", "x. 1 IN PTR b.")


def test_at_most_so_many_answers_are_given_and_in_turns() -> None:
    """HDL-14, ``--max-answers``: complete records, no TC."""
    query, reply = asked("web.shop.svc.cluster.local."), found(a_set(WEB, 5))

    reading = over_tcp(query, reply, shape=Shape(max_answers=2), turn=4)

    assert reading.answer == (
        "web.shop.svc.cluster.local. 30 IN A 10.0.0.4",
        "web.shop.svc.cluster.local. 30 IN A 10.0.0.0",
    )
    assert "TC" not in reading.flags


def test_only_targets_that_were_answered_have_their_addresses_beside_them() -> None:
    """HDL-14, RFC 2782: ``--max-answers`` leaves out the addresses with the records."""
    targets = [(host, *D) for host in (b"a", b"b", b"c")]
    rdatas = tuple(srv(33, 80, target) for target in targets)
    reply = found(RRset(WEB, SRV, 30, rdatas), additional=tuple(a_set(each, 1) for each in targets))

    reading = over_tcp(
        asked("web.shop.svc.cluster.local.", "SRV"), reply, shape=Shape(max_answers=2), turn=1
    )

    assert reading.answer == (
        "web.shop.svc.cluster.local. 30 IN SRV 0 33 80 b.cluster.local.",
        "web.shop.svc.cluster.local. 30 IN SRV 0 33 80 c.cluster.local.",
    )
    assert reading.additional == (
        "b.cluster.local. 30 IN A 10.0.0.0",
        "c.cluster.local. 30 IN A 10.0.0.0",
    )


# -- what does not fit


def test_a_set_that_fills_the_datagram_to_the_last_octet_is_whole() -> None:
    """ENV-16: 12 octets of header, 32 of question, 16 for each address."""
    query = asked("web.shop.svc.cluster.local.")
    reply = found(a_set(WEB, 30))

    whole = rendered(query, reply, 12 + 32 + 16 * 30, shape=PLAIN, turn=0)
    cut = rendered(query, reply, 12 + 32 + 16 * 30 - 1, shape=PLAIN, turn=0)

    assert len(whole) == 524
    assert (len(oracle.read(whole).answer), "TC" in oracle.read(whole).flags) == (30, False)
    assert (len(oracle.read(cut).answer), "TC" in oracle.read(cut).flags) == (29, True)


def test_opt_keeps_its_place_in_a_truncated_reply() -> None:
    """RFC 6891, 7: with its EDE; T-58."""
    query = asked("web.shop.svc.cluster.local.", edns=512)
    reply = replace(found(a_set(WEB, 5000), authority=(SOA_D,)), ede=ExtendedError(0, "x" * 50))

    octets = rendered(query, reply, 512, shape=PLAIN, turn=0)
    reading = oracle.read(octets)

    assert len(octets) <= 512
    assert reading.edns == oracle.Edns(0, 1232, 0, ((0, "x" * 50),), ())
    assert reading.flags == {"QR", "AA", "TC", "RD"}
    assert len(reading.answer) == (512 - 12 - 32 - 11 - 56) // 16
    assert reading.authority == ()


def test_authority_that_does_not_fit_is_said_with_tc() -> None:
    """ENV-16."""
    query = asked("web.shop.svc.cluster.local.")
    reply = found(a_set(WEB, 29), authority=(SOA_D,), additional=(a_set((b"x",), 1),))

    reading = oracle.read(rendered(query, reply, 512, shape=PLAIN, turn=0))

    assert len(reading.answer) == 29
    assert (reading.authority, reading.additional) == ((), ())
    assert "TC" in reading.flags


def test_additional_records_that_do_not_fit_are_dropped_in_silence() -> None:
    """SRV-19, ENV-16: by whole RRsets, and a later one that fits is taken."""
    query = asked("web.shop.svc.cluster.local.")
    two, one = a_set((b"xxxx", *WEB), 2), a_set((b"x", *D), 1)
    reply = found(a_set(WEB, 27), additional=(two, one))

    reading = oracle.read(rendered(query, reply, 512, shape=PLAIN, turn=0))

    assert len(reading.answer) == 27
    assert reading.additional == ("x.cluster.local. 30 IN A 10.0.0.0",)
    assert "TC" not in reading.flags


def test_over_tcp_a_set_that_does_not_fit_is_cut_without_tc() -> None:
    """T-59, ENV-17, A-05: there is no second try; whole records, in turns."""
    query = asked("web.shop.svc.cluster.local.")

    octets = rendered(query, found(a_set(WEB, 5000)), TCP_LIMIT, shape=PLAIN, turn=4999)
    reading = oracle.read(octets)

    assert len(octets) <= 65535
    assert len(reading.answer) == (65535 - 12 - 32) // 16
    assert reading.answer[0].endswith(" 10.0.19.135")
    assert "TC" not in reading.flags


def test_what_was_not_to_be_had_whole_is_said_with_tc_however_small_it_is() -> None:
    """C-12: the client may try TCP; some stub resolvers take what there is."""
    query = asked("web.shop.svc.cluster.local.", edns=1232)
    reply = replace(found(a_set(WEB, 2)), truncated=True)

    reading = oracle.read(rendered(query, reply, 1232, shape=PLAIN, turn=0))

    assert "TC" in reading.flags
    assert len(reading.answer) == 2


def test_what_was_not_to_be_had_whole_is_a_failure_over_tcp() -> None:
    """C-12: half an answer would look like all of it."""
    query = asked("web.shop.svc.cluster.local.", edns=1232)
    reply = replace(found(a_set(WEB, 2)), truncated=True)

    reading = over_tcp(query, reply)

    assert (reading.rcode, reading.answer) == ("SERVFAIL", ())
    assert "TC" not in reading.flags
    assert reading.edns is not None
    assert reading.edns.errors == ((23, "the upstream's reply was not to be had whole"),)


def test_names_beyond_the_reach_of_pointers_are_written_out() -> None:
    """RFC 1035, 4.1.4: offset 16383 is the last; each is read back."""
    query = asked("web.shop.svc.cluster.local.", "AAAA")
    filler = RRset(WEB, AAAA, 30, tuple(n.to_bytes(16, "big") for n in range(600)))
    late = tuple(to_wire((b"far", str(n).encode())) for n in range(3))
    reply = found(filler, authority=(RRset((b"far",), NS, 1, late + late[:1]),))

    reading = over_tcp(query, reply)

    assert reading.size > 16384
    assert reading.authority == (
        "far. 1 IN NS far.0.",
        "far. 1 IN NS far.1.",
        "far. 1 IN NS far.2.",
        "far. 1 IN NS far.0.",
    )


def test_a_name_that_did_not_fit_is_not_pointed_at() -> None:
    """A record that was taken back leaves no name behind."""
    query = asked("web.shop.svc.cluster.local.")
    long = RRset((b"x" * 40, b"y"), A, 30, (address("10.0.0.1"),))
    short = RRset((b"y",), A, 30, (address("10.0.0.2"),))

    octets = rendered(
        query, found(a_set(WEB, 27), additional=(long, short)), 512, shape=PLAIN, turn=0
    )

    assert oracle.read(octets).additional == ("y. 30 IN A 10.0.0.2",)


@pytest.mark.parametrize(
    ("count", "limit", "is_cut"),
    [(29, 512, False), (30, 512, True), (30, TCP_LIMIT, False), (5000, TCP_LIMIT, True)],
)
def test_a_reply_knows_whether_it_lost_records(count: int, limit: int, *, is_cut: bool) -> None:
    """A-05: over TCP nothing in the octets tells."""
    query = asked("web.shop.svc.cluster.local.")

    assert render(query, found(a_set(WEB, count)), limit, shape=PLAIN, turn=0).is_cut is is_cut


@pytest.mark.parametrize("limit", [512, TCP_LIMIT])
def test_addresses_that_there_is_no_room_for_are_not_looked_at(limit: int) -> None:
    """HDL-14: a reply that is cut costs the same however many addresses there are."""
    query = asked("web.shop.svc.cluster.local.")
    costs = set()
    for count in (5_000, 20_000):
        reply = found(a_set(WEB, count))

        def cut(reply: Reply = reply) -> None:
            assert render(query, reply, limit, shape=PLAIN, turn=7).is_cut

        costs.add(lines_run(cut))
    assert len(costs) == 1
    assert costs.pop() < 50


def test_of_many_records_only_those_that_fit_are_made() -> None:
    """SRV-11, HDL-14: and no address beside them, which only a whole answer has room for."""
    made: list[int] = []

    def target(number: int) -> bytes:
        made.append(number)
        return srv(1, 80, (b"n%d" % number, *WEB))

    def addresses() -> tuple[RRset, ...]:
        raise AssertionError

    def some(names: Iterable[Name]) -> tuple[RRset, ...]:
        return tuple(a_set(each, 1) for each in names)

    rrset = RRset(WEB, SRV, 30, Made(range(5_000), target), Later(addresses, some))
    query, reply = asked("web.shop.svc.cluster.local.", "SRV"), found(rrset)

    cut = oracle.read(
        rendered(query, replace(reply, additional=rrset.beside), 512, shape=PLAIN, turn=4_998)
    )

    targets = [line.split()[7].partition(".")[0] for line in cut.answer]
    assert targets == ["n4998", "n4999", "n0", "n1", "n2", "n3", "n4", "n5", "n6"]
    assert made == [4_998, 4_999, *range(len(made) - 2)]
    assert len(made) == len(cut.answer) + 1

    made.clear()
    few = over_tcp(query, replace(reply, additional=rrset.beside), shape=Shape(max_answers=2))
    assert (set(made), len(few.answer)) == ({0, 1}, 2)
    assert [line.split()[0] for line in few.additional] == [line.split()[7] for line in few.answer]
