"""C-29: what becomes of the replies of servers that break the rules, the way through both sockets.

The rows are those of docs/upstream-violations.md, which are those of dns-violations' list of known
servers (reliability, S20); names and addresses are ours. A server stands for an upstream: what it
breaks is what it broke for resolvers that asked it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from tests.helpers import oracle
from tests.helpers.fake_upstream import Asked, Behaviour, Turn, fake_upstream
from tests.helpers.resolving import PAYLOAD, Resolving, questions, resolving
from tests.helpers.upstream_script import (
    FORGED,
    answer,
    by_name,
    octets,
    reply,
    silent,
    without_edns,
)
from tests.house.source import REPOSITORY

WWW = "www.example."
RECORD = "@ 60 IN A 192.0.2.1"
GOOD = answer(RECORD)
LINE = f"{WWW} 60 IN A 192.0.2.1"
SOA = "example. 900 IN SOA ns.example. admin.example. 1 7200 3600 1209600 300"
KEPT_SOA = "example. 300 IN SOA ns.example. admin.example. SERIAL 7200 3600 1209600 300"
SIGNATURE = "13 2 900 20300101000000 20200101000000 1 example. AAAA"
OPT = bytes.fromhex("0000291000000000000000")
_AN, _AR = slice(6, 8), slice(10, 12)

pytestmark = pytest.mark.usefixtures("patient")


def plain(asked: Asked, *records: str) -> dns.message.Message:
    """Return a reply without an OPT record."""
    made = reply(asked, *records)
    made.use_edns(-1)
    return made


def with_count(message: bytes, which: slice, count: int) -> bytes:
    """Return a message whose header claims another number of records."""
    changed = bytearray(message)
    changed[which] = count.to_bytes(2)
    return bytes(changed)


def header(asked: Asked, rcode: str) -> bytes:
    """Return a reply that is nothing but a header."""
    made = plain(asked)
    made.set_rcode(dns.rcode.from_text(rcode))
    return made.to_wire()[:4] + bytes(8)


def choosing(good: Behaviour, bad: Behaviour, *, is_bad: str) -> Behaviour:
    """Behave as ``bad`` where the question has ``capitals``, ``edns``, or what is beyond EDNS."""

    def applies(asked: Asked) -> bool:
        message = asked.message
        if is_bad == "capitals":
            return asked.name != asked.name.lower()
        return message.edns > 0 or bool(message.options) if is_bad == "more" else message.edns >= 0

    async def behave(turn: Turn) -> None:
        await (bad if applies(turn.asked) else good)(turn)

    return behave


def _option(code: str) -> dns.edns.Option:
    """Return an option of a client; ``5`` is DAU (RFC 6975)."""
    return dns.edns.GenericOption(code, bytes(8))


def error(reading: oracle.Reading) -> tuple[str, int]:
    """Return the rcode and the extended error of a reply that has no records."""
    assert reading.answer == reading.authority == ()
    assert reading.edns is not None
    ((code, _),) = reading.edns.errors
    return reading.rcode, code


def edns(asked: Sequence[Asked]) -> list[int]:
    """Return the EDNS versions of questions; -1 where there is no OPT record."""
    return [each.message.edns for each in asked]


async def with_do(here: Resolving, name: str, rtype: str) -> oracle.Reading:
    """Return the reply to a client that wants DNSSEC records."""
    return await here.send(oracle.query(name, rtype, edns=PAYLOAD, dnssec_ok=True))


def test_every_row_of_the_document_is_tested_or_says_why_not() -> None:
    """C-29: thirty, each once; the tests that it names are there."""
    text = (REPOSITORY / "docs" / "upstream-violations.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| DVE-")]
    named = [re.findall(r"`(test_\w+)`", row.rsplit("|", 2)[1]) for row in rows]

    numbers = [*(f"2017-{n:04}" for n in range(1, 21)), *(f"2018-{n:04}" for n in range(1, 5))]
    numbers += ["2019-0001", *(f"2020-{n:04}" for n in range(1, 5)), "2021-0001"]
    assert [row.split()[1] for row in rows] == [f"DVE-{number}" for number in numbers]
    assert all(named)
    assert {test for tests in named for test in tests} <= globals().keys()
    for number, tests in zip(numbers, named, strict=True):
        assert any(number in (globals()[test].__doc__ or "") for test in tests), number


async def test_octets_behind_the_records_do_no_harm() -> None:
    """DVE-2017-0001: zeros, of which the header counts some as a record."""

    def make(asked: Asked) -> bytes:
        return with_count(plain(asked, RECORD).to_wire(), _AR, 1) + bytes(19)

    async with fake_upstream(by_name({WWW: octets(make)})) as up, resolving(up) as here:
        assert (await here.ask(WWW)).answer == (LINE,)


async def test_octets_of_an_opt_record_that_nobody_counted_do_no_harm() -> None:
    """DVE-2017-0012: and do not make it one that knows EDNS."""

    def make(asked: Asked) -> bytes:
        return plain(asked, RECORD).to_wire() + OPT

    async with fake_upstream(by_name({WWW: octets(make)})) as up, resolving(up) as here:
        assert (await here.ask(WWW)).answer == (LINE,)


async def test_name_servers_that_are_made_up_are_handed_on_and_never_asked() -> None:
    """DVE-2017-0002: a forwarder follows no delegation."""
    records = [f"@ 300 IN NS n{n}.{WWW}" for n in (1, 2, 5)]

    def make(asked: Asked) -> bytes:
        return with_count(plain(asked, *records).to_wire(), _AR, 1) + bytes(19)

    async with fake_upstream(by_name({WWW: octets(make)})) as up, resolving(up) as here:
        assert len((await here.ask(WWW, "NS")).answer) == 3

    assert not any(asked.name.startswith("n") for asked in up.asked)


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(answer(rcode="NXDOMAIN", authority=[SOA]), id="NXDOMAIN, DVE-2017-0003"),
        pytest.param(answer(rcode="REFUSED"), id="REFUSED, DVE-2017-0006"),
    ],
)
async def test_a_server_that_minds_capitals_gets_none(refusal: Behaviour) -> None:
    """DVE-2017-0003, DVE-2017-0006: whatever a client's spelling is; it gets its own back."""
    script = by_name({WWW: choosing(GOOD, refusal, is_bad="capitals")})
    async with fake_upstream(script) as up, resolving(up) as here:
        reading = await here.ask("wWw.exAmple.")

    assert reading.question == ("wWw.exAmple. IN A",)
    assert reading.answer == ("wWw.exAmple. 60 IN A 192.0.2.1",)


async def test_a_server_that_refuses_capitals_is_asked_without_them() -> None:
    """DVE-2017-0006, with --randomize-case: at once, and then only so (C-05)."""
    script = choosing(GOOD, answer(rcode="REFUSED"), is_bad="capitals")
    names = [f"a-name-with-letters-{n}.example." for n in range(3)]
    async with fake_upstream(script) as up, resolving(up, flags=("--randomize-case",)) as here:
        for name in names:
            assert (await here.ask(name)).answer == (f"{name} 60 IN A 192.0.2.1",)

    plain = [asked.name for asked in up.asked if asked.rtype == "A" and asked.name.islower()]
    assert plain == names


async def test_what_cannot_be_read_or_is_not_said_is_a_failure_and_no_denial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DVE-2017-0004, zeros before the answer; DVE-2017-0014, types that are not answered."""
    monkeypatch.undo()  # here time tells
    mail = "_25._tcp.mail.example."

    def make(asked: Asked) -> bytes:
        whole = plain(asked, RECORD).to_wire()
        return whole[:-16] + bytes(11) + whole[-16:]

    script = by_name({WWW: octets(make), f"TLSA {mail}": silent(), f"A {mail}": GOOD})
    async with fake_upstream(script) as up, resolving(up) as here:
        both = await asyncio.gather(here.ask(WWW), here.ask(mail, "TLSA"))
        (health,) = here.forwarding.forwarder.servers
        again = await here.ask(mail, "TLSA")

        assert [error(each) for each in (*both, again)] == [("SERVFAIL", 23)] * 3
        assert health.is_up
        assert (await here.ask(mail)).answer == (f"{mail} 60 IN A 192.0.2.1",)
    for name in (WWW, mail):
        transports = [each.transport for each in questions(up, name) if each.rtype != "A"]
        assert len(transports) <= 3
    assert [each.transport for each in questions(up, WWW)] == ["udp", "tcp", "udp"]


BAD_VERSION = octets(
    lambda asked: header(asked, "NOERROR")[:10] + b"\0\1" + OPT[:5] + b"\1" + OPT[6:]
)
"""BADVERS in an OPT record, behind no question."""


def echo(asked: Asked) -> bytes:
    """Return FORMERR with the options that came."""
    made = reply(asked)
    made.use_edns(0, options=list(asked.message.options))
    made.set_rcode(dns.rcode.FORMERR)
    return made.to_wire()


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(BAD_VERSION, id="BADVERS without a question"),
        pytest.param(octets(echo), id="FORMERR with the options"),
        pytest.param(silent(), id="nothing"),
    ],
)
async def test_a_server_that_minds_options_or_versions_gets_none(bad: Behaviour) -> None:
    """DVE-2017-0005, DVE-2017-0018, DVE-2017-0020, DVE-2018-0002, DVE-2020-0004.

    What goes out is EDNS version 0 without options, whatever a client sends (C-24).
    """
    script = by_name({WWW: choosing(GOOD, bad, is_bad="more")})
    options = [_option("NSID"), _option("COOKIE"), _option("5")]
    wanted = dns.message.make_query(WWW, "A", use_edns=0, options=options, id=oracle.ID)
    future = dns.message.make_query(WWW, "A", use_edns=1, id=oracle.ID)
    async with fake_upstream(script) as up, resolving(up) as here:
        assert (await here.send(future.to_wire())).rcode == "BADVERS"
        assert questions(up, WWW) == []

        assert (await here.send(wanted.to_wire())).answer == (LINE,)
    assert edns(questions(up, WWW)) == [0]


async def test_an_answer_without_an_opt_record_is_one() -> None:
    """DVE-2020-0004: it is dropped by some servers that have it otherwise."""
    script = by_name({WWW: octets(lambda asked: plain(asked, RECORD).to_wire())})
    async with fake_upstream(script) as up, resolving(up) as here:
        assert (await here.ask(WWW)).answer == (LINE,)

    assert edns(questions(up, WWW)) == [0]


async def test_a_type_that_is_not_implemented_is_a_failure_of_that_type_alone() -> None:
    """DVE-2017-0007: NOTIMP for NS, AD, octets behind; asked once more without EDNS."""

    def make(asked: Asked) -> bytes:
        made = plain(asked)
        made.set_rcode(dns.rcode.NOTIMP)
        made.flags |= dns.flags.AD
        return made.to_wire() + OPT

    script = by_name({f"NS {WWW}": octets(make), WWW: GOOD})
    async with fake_upstream(script) as up, resolving(up) as here:
        assert error(await here.ask(WWW, "NS")) == ("SERVFAIL", 22)
        assert (await here.ask(WWW)).answer == (LINE,)

    assert [(each.rtype, each.message.edns) for each in questions(up, WWW)] == [
        ("NS", 0),
        ("NS", -1),
        ("A", 0),
    ]


async def test_a_denial_without_soa_is_handed_on_and_not_kept() -> None:
    """DVE-2017-0008: NODATA with a proof alone; RFC 2308, 5. No proof goes without its SOA."""
    records = ["@ 3600 IN NSEC www\\000.example. NS RRSIG NSEC"]
    records += [f"@ 3600 IN RRSIG NSEC {SIGNATURE}"]
    async with (
        fake_upstream(by_name({WWW: answer(authority=records)})) as up,
        resolving(up) as here,
    ):
        for _ in range(2):
            reading = await with_do(here, WWW, "DS")
            assert (reading.rcode, reading.answer, reading.authority) == ("NOERROR", (), ())

    assert len(questions(up, WWW)) == 2


@pytest.mark.parametrize(
    ("records", "proofs"),
    [
        pytest.param(
            [],
            ["example. 300 IN NSEC example. A NS SOA RRSIG NSEC DNSKEY"],
            id="nothing but the apex exists, DVE-2017-0009",
        ),
        pytest.param(
            [f"{WWW} 60 IN CNAME example."],
            [
                "*.example. 300 IN NSEC *.example. CNAME RRSIG NSEC",
                "example. 300 IN NSEC *.example. A NS SOA AAAA RRSIG NSEC DNSKEY",
            ],
            id="next is the wildcard itself, DVE-2017-0010",
        ),
        pytest.param(
            [],
            [f"{WWW} 300 IN NSEC \\000.{WWW} A MX TXT AAAA RRSIG NSEC"],
            id="no NS at a delegation, DVE-2017-0015",
        ),
    ],
)
async def test_a_proof_that_is_wrong_is_handed_on_to_who_can_tell(
    records: list[str], proofs: list[str]
) -> None:
    """DVE-2017-0009, DVE-2017-0010, DVE-2017-0015: nothing is validated here, nor vouched for."""
    script = by_name({WWW: answer(*records, authority=[SOA, *proofs])})
    async with fake_upstream(script) as up, resolving(up) as here:
        reading = await with_do(here, WWW, "TLSA")

    assert reading.answer == tuple(records)
    assert reading.authority == (KEPT_SOA, *proofs)
    assert "AD" not in reading.flags


@pytest.mark.parametrize(
    ("name", "rcode", "types"),
    [
        pytest.param(WWW, "NOERROR", "TXT", id="of that name, DVE-2018-0003"),
        pytest.param(f"no.{WWW}", "NXDOMAIN", "", id="of a name below it, DVE-2021-0001"),
    ],
)
async def test_a_proof_about_one_question_answers_no_other(
    name: str, rcode: str, types: str
) -> None:
    """DVE-2018-0003, DVE-2021-0001: no denial is made from NSEC3 records (RFC 8198)."""
    nsec3 = f"{'S9QM7F772BC6LV8BG0ADU5L2EMAQK90S'.lower()}.example. 300 IN NSEC3 1 0 1 961a671f "
    nsec3 += f"S9QM7F772BC6LV8BG0ADU5L2EMAQK90T {types}"
    denial = answer(authority=[SOA, nsec3.rstrip()], rcode=rcode)
    async with (
        fake_upstream(by_name({f"PTR {name}": denial, f"A {WWW}": GOOD})) as up,
        resolving(up) as here,
    ):
        assert (await with_do(here, name, "PTR")).rcode == rcode
        assert (await with_do(here, WWW, "A")).answer == (LINE,)


async def test_records_of_another_type_are_not_an_answer() -> None:
    """DVE-2017-0011: an address for whatever is asked. No SOA comes with it, so it is not kept."""
    async with fake_upstream(by_name({WWW: GOOD})) as up, resolving(up) as here:
        for _ in range(2):
            reading = await here.ask(WWW, "AAAA")
            assert (reading.rcode, reading.answer, reading.authority) == ("NOERROR", (), ())
        assert (await here.ask(WWW)).answer == (LINE,)

    assert [each.rtype for each in questions(up, WWW)] == ["AAAA", "AAAA", "A"]


async def test_that_data_are_validated_is_said_to_those_who_ask() -> None:
    """DVE-2017-0013: AD on everything. Whom to believe is chosen with the upstreams."""
    script = by_name({WWW: answer(rcode="NXDOMAIN", flags="AD")})
    async with fake_upstream(script) as up, resolving(up) as here:
        silent_about_it = await here.ask(WWW)
        asking = oracle.query(WWW, "A", edns=PAYLOAD, flags=dns.flags.RD | dns.flags.AD)
        told = await here.send(asking)

    assert (silent_about_it.rcode, told.rcode) == ("NXDOMAIN", "NXDOMAIN")
    assert "AD" not in silent_about_it.flags
    assert "AD" in told.flags
    assert len(questions(up, WWW)) == 2  # without SOA it is not kept


async def test_a_record_that_comes_thrice_is_handed_on_once() -> None:
    """DVE-2017-0016; RFC 2181, 5."""

    def make(asked: Asked) -> bytes:
        whole = plain(asked, RECORD).to_wire()
        return with_count(whole, _AN, 3) + whole[-16:] * 2

    async with fake_upstream(by_name({WWW: octets(make)})) as up, resolving(up) as here:
        assert (await here.ask(WWW)).answer == (LINE,)


@pytest.mark.parametrize(
    "authority",
    [pytest.param([], id="without SOA, DVE-2017-0017"), pytest.param([SOA], id="DVE-2018-0004")],
)
async def test_that_a_name_does_not_exist_is_kept_for_the_type_that_was_asked(
    authority: list[str],
) -> None:
    """DVE-2017-0017, DVE-2018-0004: one entry for each question, before and after."""
    script = by_name({f"A {WWW}": GOOD, WWW: answer(authority=authority, rcode="NXDOMAIN")})
    async with fake_upstream(script) as up, resolving(up) as here:
        assert (await here.ask(WWW, "TXT")).rcode == "NXDOMAIN"
        assert (await here.ask(WWW)).answer == (LINE,)
        assert (await here.ask(WWW, "MX")).rcode == "NXDOMAIN"
        assert (await here.ask(WWW)).answer == (LINE,)

    assert [each.rtype for each in questions(up, WWW)] == ["TXT", "A", "MX"]


async def test_an_alias_is_kept_for_the_type_that_was_asked() -> None:
    """DVE-2017-0019: another alias for all types but A, and for A with an option."""
    right = answer("@ 60 IN CNAME cdn.example.", "cdn.example. 60 IN A 192.0.2.1")
    wrong = answer("@ 60 IN CNAME cdn.example.example.", authority=[SOA], rcode="NXDOMAIN")
    script = by_name({f"A {WWW}": choosing(right, wrong, is_bad="more"), WWW: wrong})
    cookie = [_option("COOKIE")]
    query = dns.message.make_query(WWW, "A", use_edns=0, options=cookie, id=oracle.ID)
    async with fake_upstream(script) as up, resolving(up) as here:
        of_text = await here.ask(WWW, "TXT")
        of_address = await here.send(query.to_wire())

    assert (of_text.rcode, of_text.authority) == ("NXDOMAIN", (KEPT_SOA,))
    assert of_text.answer == (f"{WWW} 60 IN CNAME cdn.example.example.",)
    assert of_address.answer[-1] == "cdn.example. 60 IN A 192.0.2.1"


async def test_a_denial_is_believed_and_not_asked_again_without_edns() -> None:
    """DVE-2018-0001: a captive portal knows its name only where there is no EDNS."""
    denial = answer(rcode="NXDOMAIN", authority=[SOA])
    script = by_name({WWW: choosing(GOOD, denial, is_bad="edns")})
    async with fake_upstream(script) as up, resolving(up) as here:
        assert (await here.ask(WWW)).rcode == "NXDOMAIN"

    assert edns(questions(up, WWW)) == [0]


async def test_that_a_name_does_not_exist_says_nothing_of_names_below_it() -> None:
    """DVE-2019-0001: RFC 8020 is not made use of."""
    script = by_name({"example.": answer(authority=[SOA], rcode="NXDOMAIN"), WWW: GOOD})
    async with fake_upstream(script) as up, resolving(up) as here:
        for _ in range(2):
            assert (await here.ask("example.")).rcode == "NXDOMAIN"
        assert (await here.ask(WWW)).answer == (LINE,)

    assert len(questions(up, "example.")) == 1


async def test_a_refusal_of_edns_needs_no_question() -> None:
    """DVE-2020-0001: FORMERR in a header alone; remembered."""
    script = without_edns(GOOD)
    bare = octets(lambda asked: header(asked, "FORMERR"))
    async with (
        fake_upstream(choosing(script, bare, is_bad="edns")) as up,
        resolving(up) as here,
    ):
        assert (await here.ask(WWW)).answer == (LINE,)
        assert (await here.ask("mail.example.")).rcode == "NOERROR"

    assert edns(questions(up, WWW) + questions(up, "mail.example.")) == [0, -1, -1]


async def test_a_soa_in_the_authority_section_is_not_the_soa_that_was_asked_for() -> None:
    """DVE-2020-0002: NODATA, as said, for as long as that SOA says."""
    script = by_name({"example.": answer(authority=[SOA])})
    async with fake_upstream(script) as up, resolving(up) as here:
        for _ in range(2):
            reading = await here.ask("example.", "SOA")
            assert (reading.rcode, reading.answer) == ("NOERROR", ())
            assert reading.authority == (KEPT_SOA,)

    assert len(questions(up, "example.")) == 1


async def test_formerr_for_a_name_is_a_failure_of_that_name_alone() -> None:
    """DVE-2020-0003: no denial; kept for 5 s, and no reason to think that EDNS is not known."""
    odd = "a_b.example."
    script = by_name({odd: octets(lambda asked: header(asked, "FORMERR")), WWW: GOOD})
    async with fake_upstream(script) as up, resolving(up) as here:
        for _ in range(2):
            assert error(await here.ask(odd)) == ("SERVFAIL", 22)
        assert (await here.ask(WWW)).answer == (LINE,)

    assert edns(questions(up, odd)) == [0, -1]
    assert edns(questions(up, WWW)) == [0]


# what is not on the list


@pytest.mark.parametrize("rcode", ["REFUSED", "SERVFAIL", "NOTIMP"])
async def test_records_beside_a_refusal_are_not_taken(rcode: str) -> None:
    """C-29, others: the next upstream is asked, whatever came with it."""
    lie = answer(f"@ 60 IN A {FORGED}", rcode=rcode)
    async with (
        fake_upstream(by_name({WWW: lie})) as first,
        fake_upstream(by_name({WWW: GOOD})) as second,
        resolving(first, second) as here,
    ):
        assert (await here.ask(WWW)).answer == (LINE,)


async def test_upstreams_that_refuse_in_different_ways_are_a_failure() -> None:
    """C-29, others: REFUSED only where all say so."""
    async with (
        fake_upstream(by_name({WWW: answer(rcode="SERVFAIL")})) as first,
        fake_upstream() as second,
        fake_upstream() as third,
    ):
        second.script = third.script = answer(rcode="REFUSED")
        async with resolving(first, second, third) as here:
            assert error(await here.ask(WWW)) == ("SERVFAIL", 22)
            assert error(await here.ask("mail.example.")) == ("REFUSED", 22)


async def test_half_an_answer_over_tcp_too_is_said_to_be_one() -> None:
    """C-29, others; C-12: TC over UDP, and where nothing is left to try SERVFAIL."""
    script = by_name({WWW: answer(RECORD, flags="TC")})
    async with fake_upstream(script) as up, resolving(up) as here:
        over_udp, over_tcp = await here.ask(WWW), await here.ask(WWW, tcp=True)

    assert (over_udp.rcode, over_udp.answer) == ("NOERROR", (LINE,))
    assert "TC" in over_udp.flags
    assert (over_tcp.rcode, over_tcp.answer) == ("SERVFAIL", ())
    assert [each.transport for each in questions(up, WWW)] == ["udp", "tcp"] * 2


async def test_a_reply_in_another_version_of_edns_is_taken() -> None:
    """C-29, others: what it says is in the same places (RFC 6891, 6.1.3)."""

    def make(asked: Asked) -> bytes:
        made = reply(asked, RECORD)
        made.use_edns(1)
        return made.to_wire()

    async with fake_upstream(by_name({WWW: octets(make)})) as up, resolving(up) as here:
        assert (await here.ask(WWW)).answer == (LINE,)
