"""What of a response is kept: expected records by hand, replies by dnspython, read by ``response``.

Rules of this file:

- Every reply holds more than is kept or less than it should; well-behaved ones are few.
- Signatures, proofs and DNAMEs are in ``test_chain_dnssec.py``.
"""

import itertools

import pytest

from kubedns_py.dns.chain import MOST_LINKS, clean
from kubedns_py.dns.name import Name
from kubedns_py.dns.render import Reply
from tests.helpers.replies import asking, cleaned, lines_of, response_to, signature

WWW = asking("www.example.")
A_WWW = "www.example. 300 IN A 192.0.2.1"
EVIL = "bank.example. 300 IN A 192.0.2.66"
SOA = "example. 900 IN SOA ns.example. host.example. 1 7200 3600 86400 60"


def nowhere(_name: Name, _asked: Name) -> bool:
    """Every name is the upstream's to answer."""
    return False


def chain_of(links: int, first: str = "www.example.") -> list[str]:
    """Return aliases from the question's name to ``n<links>.example.``."""
    names = [first, *(f"n{number}.example." for number in range(1, links + 1))]
    return [f"{owner} 300 IN CNAME {target}" for owner, target in itertools.pairwise(names)]


def test_the_records_that_were_asked_for_are_kept() -> None:
    """RFC 1034, 4.3.2."""
    second = "www.example. 300 IN A 192.0.2.2"

    reply = cleaned(WWW, A_WWW, second)

    assert reply.rcode == 0
    assert lines_of(reply.answer) == (A_WWW, second)
    assert reply.authority == ()


def test_whatever_else_was_sent_is_dropped() -> None:
    """C-06; CVE-2025-40778, CVE-2025-11411: other names, other types, NS, glue."""
    reply = cleaned(
        WWW,
        EVIL,
        A_WWW,
        "www.example. 300 IN AAAA 2001:db8::66",
        "www.example. 300 IN TXT evil",
        "example. 300 IN A 192.0.2.66",
        "a.www.example. 300 IN A 192.0.2.66",
        authority=("example. 300 IN NS ns.evil.", "com. 300 IN NS ns.evil.", SOA),
        additional=("ns.evil. 300 IN A 192.0.2.66", EVIL),
    )

    assert lines_of(reply.answer) == (A_WWW,)
    assert reply.authority == ()


def test_the_chain_is_kept_in_its_order_whatever_order_it_was_sent_in() -> None:
    """C-06; RFC 1034, 4.3.2: each alias before what it leads to."""
    reply = cleaned(
        WWW,
        "c.example.net. 30 IN A 192.0.2.3",
        EVIL,
        "b.example.org. 40 IN CNAME c.example.net.",
        "www.example. 50 IN CNAME b.example.org.",
        "x.example. 50 IN CNAME www.example.",
    )

    assert lines_of(reply.answer) == (
        "www.example. 50 IN CNAME b.example.org.",
        "b.example.org. 40 IN CNAME c.example.net.",
        "c.example.net. 30 IN A 192.0.2.3",
    )


def test_a_target_in_any_spelling_is_followed_and_stays_as_it_was_spelled() -> None:
    """RFC 4343, 3 and 4.1."""
    alias = "www.example. 50 IN CNAME B.Example.ORG."

    reply = cleaned(WWW, alias, "b.example.org. 30 IN A 192.0.2.2")

    assert lines_of(reply.answer) == (alias, "b.example.org. 30 IN A 192.0.2.2")


def test_a_chain_of_eleven_aliases_is_kept() -> None:
    """C-07; Unbound's bound."""
    chain = chain_of(MOST_LINKS)
    last = "n11.example. 300 IN A 192.0.2.1"

    assert MOST_LINKS == 11
    assert lines_of(cleaned(WWW, *chain, last).answer) == (*chain, last)


@pytest.mark.parametrize("links", [12, 13, 30, 1000])
def test_a_longer_chain_is_no_answer(links: int) -> None:
    """C-07: a chain of 30."""
    last = f"n{links}.example. 300 IN A 192.0.2.1"

    assert clean(response_to(WWW, *chain_of(links), last), WWW, is_elsewhere=nowhere) is None


@pytest.mark.parametrize("links", [0, 1, 2, 5, 10, 11])
@pytest.mark.parametrize("rcode", ["NOERROR", "NXDOMAIN"])
def test_a_loop_is_no_answer(links: int, rcode: str) -> None:
    """C-07: to itself, to the first name, to one on the way."""
    back = f"n{links}.example." if links else "www.example."
    chain = [*chain_of(links), f"{back} 300 IN CNAME www.example."]

    assert clean(response_to(WWW, *chain, rcode=rcode), WWW, is_elsewhere=nowhere) is None


def test_of_several_aliases_of_one_name_the_first_counts() -> None:
    """RFC 2181, 10.1: there may be one only."""
    aliases = "www.example. 300 IN CNAME b.example.", "www.example. 300 IN CNAME c.example."
    response = response_to(
        WWW, *aliases, "b.example. 300 IN A 192.0.2.2", "c.example. 300 IN A 192.0.2.3"
    )
    first = lines_of(response.answer)[0]

    reply = clean(response, WWW, is_elsewhere=nowhere)

    assert reply is not None
    assert lines_of(reply.answer)[0] == first
    assert len(lines_of(reply.answer)) == 2
    assert lines_of(reply.answer)[1].startswith(first.rpartition(" ")[2])


def test_records_beside_an_alias_win_over_it() -> None:
    """RFC 1034, 3.6.2: there can be no alias then."""
    reply = cleaned(WWW, "www.example. 300 IN CNAME b.example.", A_WWW)

    assert lines_of(reply.answer) == (A_WWW,)


def test_a_question_for_the_alias_is_not_followed() -> None:
    """RFC 1034, 3.6.2."""
    ask = asking("www.example.", "CNAME")
    alias = "www.example. 300 IN CNAME b.cluster.local."

    reply = cleaned(ask, alias, "b.cluster.local. 300 IN CNAME c.example.")

    assert lines_of(reply.answer) == (alias,)


def test_a_question_for_everything_keeps_all_of_that_name_and_follows_nothing() -> None:
    """C-06; RFC 8482: signatures too, though nobody wanted them."""
    kept = (
        "www.example. 300 IN CNAME b.example.",
        signature("www.example.", "CNAME"),
        'www.example. 300 IN HINFO "RFC8482" ""',
    )

    for do in (False, True):
        reply = cleaned(
            asking("www.example.", "ANY", do=do), *kept, "b.example. 300 IN A 192.0.2.1", EVIL
        )

        assert lines_of(reply.answer) == kept


def test_a_chain_is_cut_where_it_comes_into_our_zones() -> None:
    """C-07, MaginotDNS: what stands there is not the upstream's to say."""
    alias = "www.example. 300 IN CNAME Web.shop.svc.Cluster.Local."

    reply = cleaned(
        WWW,
        alias,
        "web.shop.svc.cluster.local. 300 IN A 192.0.2.66",
        authority=("cluster.local. 300 IN SOA evil. evil. 1 2 3 4 5", SOA),
        flags="QR AD",
    )

    assert reply.rcode == 0
    assert lines_of(reply.answer) == (alias,)
    assert reply.authority == ()
    assert not reply.authenticated


@pytest.mark.parametrize("do", [False, True])
def test_a_cut_chain_that_does_not_exist_for_the_upstream_may_exist(*, do: bool) -> None:
    """C-07; RFC 6604, 3: NXDOMAIN was said of a name that is ours."""
    alias = "www.example. 300 IN CNAME web.cluster.local."

    reply = cleaned(asking(do=do), alias, authority=(SOA,), rcode="NXDOMAIN")

    assert reply.rcode == 0
    assert lines_of(reply.answer) == (alias,)
    assert reply.authority == ()


def test_a_chain_may_be_cut_behind_its_eleventh_alias_and_within_a_loop() -> None:
    """C-07: what stands behind the cut is not looked at."""
    chain = chain_of(10)
    into_ours = "n10.example. 300 IN CNAME a.cluster.local."
    back = "a.cluster.local. 300 IN CNAME www.example."

    assert lines_of(cleaned(WWW, *chain, into_ours, back).answer) == (*chain, into_ours)


def test_a_chain_that_leads_to_nothing_is_kept() -> None:
    """RFC 2308, 2.2: NODATA of its last name; without SOA it is not cached (C-10)."""
    alias = "www.example. 300 IN CNAME b.example."

    reply = cleaned(WWW, alias)

    assert (reply.rcode, lines_of(reply.answer), reply.authority) == (0, (alias,), ())


@pytest.mark.parametrize(("rcode", "number"), [("NOERROR", 0), ("NXDOMAIN", 3)])
@pytest.mark.parametrize("zone", ["www.example.", "example.", "."])
def test_a_negative_answer_has_the_soa_of_a_zone_that_holds_the_name(
    zone: str, rcode: str, number: int
) -> None:
    """C-10; RFC 2308, 3: at the name or above it, and nothing else."""
    soa = f"{zone} 900 IN SOA ns.example. host.example. 1 7200 3600 86400 60"
    ns = f"{zone} 900 IN NS ns.example."

    reply = cleaned(WWW, EVIL, authority=(ns, EVIL, soa), rcode=rcode)

    assert (reply.rcode, reply.answer) == (number, ())
    assert lines_of(reply.authority) == (soa,)


@pytest.mark.parametrize("zone", ["evil.", "a.www.example.", "ww.example.", "w.example."])
@pytest.mark.parametrize("do", [False, True])
def test_the_soa_of_any_other_zone_is_none(zone: str, *, do: bool) -> None:
    """C-06, C-10: so nothing negative is cached on its word."""
    soa = f"{zone} 900 IN SOA ns.example. host.example. 1 7200 3600 86400 60"
    proof = "a.example. 300 IN NSEC z.example. A"

    reply = cleaned(asking(do=do), authority=(soa, proof), rcode="NXDOMAIN")

    assert (reply.rcode, reply.answer, reply.authority) == (3, (), ())


def test_the_soa_is_that_of_the_end_of_the_chain() -> None:
    """RFC 2308, 2.1: NXDOMAIN is about the last name."""
    alias = "www.example. 300 IN CNAME b.example.net."
    soa = "example.net. 900 IN SOA ns.example. host.example. 1 7200 3600 86400 60"

    reply = cleaned(WWW, alias, authority=(SOA, soa), rcode="NXDOMAIN")

    assert reply.rcode == 3
    assert lines_of(reply.answer) == (alias,)
    assert lines_of(reply.authority) == (soa,)


def test_one_soa_is_enough() -> None:
    """RFC 2181, 6.1: a zone has one, and the first zone counts."""
    other = "example. 900 IN SOA ns.evil. host.example. 1 7200 3600 86400 99999"
    root = ". 900 IN SOA ns.evil. host.example. 1 7200 3600 86400 99999"

    assert len(lines_of(cleaned(WWW, authority=(SOA, other, root)).authority)) == 1


def test_a_name_that_does_not_exist_has_no_records() -> None:
    """RFC 6604, 3: the code counts, for stub resolvers look at it first."""
    alias = "www.example. 300 IN CNAME b.example."

    reply = cleaned(WWW, alias, "b.example. 300 IN A 192.0.2.1", authority=(SOA,), rcode="NXDOMAIN")

    assert reply.rcode == 3
    assert lines_of(reply.answer) == (alias,)
    assert lines_of(reply.authority) == (SOA,)


def test_a_referral_is_nodata_without_anything() -> None:
    """C-29: a server that does not recurse sends us elsewhere; we do not go."""
    reply = cleaned(
        asking(do=True),
        authority=("example. 900 IN NS ns.example.", "a.example. 300 IN NSEC z.example. NS"),
        additional=("ns.example. 900 IN A 192.0.2.53",),
    )

    assert (reply.rcode, reply.answer, reply.authority) == (0, (), ())


@pytest.mark.parametrize(
    ("rcode", "number"),
    [
        ("FORMERR", 1),
        ("SERVFAIL", 2),
        ("NOTIMP", 4),
        ("REFUSED", 5),
        ("YXDOMAIN", 6),
        ("BADVERS", 16),
    ],
)
def test_an_error_has_its_code_and_no_records(rcode: str, number: int) -> None:
    """C-11."""
    assert cleaned(WWW, A_WWW, authority=(SOA,), rcode=rcode, flags="QR AD") == Reply(number)


@pytest.mark.parametrize(("flags", "authenticated"), [("QR", False), ("QR AD", True)])
@pytest.mark.parametrize("rcode", ["NOERROR", "NXDOMAIN"])
def test_whether_the_data_was_validated_is_handed_on(
    flags: str, rcode: str, *, authenticated: bool
) -> None:
    """RFC 4035, 3.2.3; RFC 6840, 5.8."""
    reply = cleaned(WWW, authority=(SOA,), rcode=rcode, flags=flags)

    assert reply.authenticated is authenticated


@pytest.mark.parametrize("rcode", ["NOERROR", "NXDOMAIN"])
def test_an_empty_reply_is_an_empty_reply(rcode: str) -> None:
    """C-10: nothing is there, and nobody says for how long."""
    reply = cleaned(WWW, rcode=rcode)

    assert (reply.answer, reply.authority) == ((), ())


def test_the_root_is_asked_for_like_any_name() -> None:
    """RFC 1035, 3.1."""
    ns = ". 300 IN NS a.root."

    assert lines_of(cleaned(asking(".", "NS"), ns, A_WWW).answer) == (ns,)
