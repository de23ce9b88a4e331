"""What is kept of a response for clients that check signatures, and is not for all others.

Rules of this file:

- Every reply holds more than is kept: signatures of other types, at other names.
"""

import pytest

from tests.helpers.replies import asking, cleaned, lines_of, signature

WWW = asking("www.example.")
SIGNED = asking("www.example.", do=True)
A_WWW = "www.example. 300 IN A 192.0.2.1"
SOA = "example. 900 IN SOA ns.example. host.example. 1 7200 3600 86400 60"

SIGNATURES = (
    signature("www.example.", "CNAME"),
    signature("www.example.", "TXT"),
    signature("b.example.", "A"),
    signature("b.example.", "AAAA"),
    signature("c.example.", "A"),
)
ALIAS = "www.example. 300 IN CNAME b.example."
A_B = "b.example. 300 IN A 192.0.2.2"


def test_with_do_what_is_kept_keeps_its_signatures_and_no_others() -> None:
    """RFC 4035, 3.1.1; C-06."""
    assert lines_of(cleaned(SIGNED, *SIGNATURES, ALIAS, A_B).answer) == (
        ALIAS,
        signature("www.example.", "CNAME"),
        A_B,
        signature("b.example.", "A"),
    )


def test_without_do_no_signature_is_kept() -> None:
    """RFC 4035, 3.2.1: nobody wanted them."""
    reply = cleaned(WWW, *SIGNATURES, ALIAS, A_B)

    assert lines_of(reply.answer) == (ALIAS, A_B)


@pytest.mark.parametrize("do", [False, True])
def test_signatures_are_kept_where_they_were_asked_for(*, do: bool) -> None:
    """RFC 4034, 3: the type RRSIG itself, at an alias too; once."""
    covered = "CNAME", "TXT", "RRSIG"
    kept = [signature("www.example.", rtype) for rtype in covered]

    reply = cleaned(asking("www.example.", "RRSIG", do=do), ALIAS, *kept, *SIGNATURES)

    assert sorted(lines_of(reply.answer)) == sorted(kept)


def test_with_do_a_name_may_have_signatures_of_other_types_only() -> None:
    """RFC 4035, 2.2: then there is none to keep."""
    assert lines_of(cleaned(SIGNED, A_WWW, signature("www.example.", "TXT")).answer) == (A_WWW,)


PROOF = "a.example. 60 IN NSEC z.example. A RRSIG NSEC"
HASH = "0123456789abcdefghijklmnopqrstuv"
HASHED = f"{HASH}.example. 60 IN NSEC3 1 0 0 - {HASH} A"
PROOFS = (
    "example. 900 IN NS ns.example.",
    PROOF,
    signature("a.example.", "NSEC", 60),
    HASHED,
    signature("example.", "NS", 900),
    signature("a.example.", "A", 60),
)


@pytest.mark.parametrize("rcode", ["NOERROR", "NXDOMAIN"])
def test_with_do_a_negative_answer_has_its_proofs(rcode: str) -> None:
    """RFC 4035, 3.1.3; RFC 5155, 7.2: NSEC, NSEC3, SOA and their signatures."""
    reply = cleaned(
        SIGNED, authority=(*PROOFS, SOA, signature("example.", "SOA", 900)), rcode=rcode
    )

    assert list(lines_of(reply.authority)) == [
        SOA,
        signature("example.", "SOA", 900),
        PROOF,
        signature("a.example.", "NSEC", 60),
        HASHED,
    ]


def test_with_do_an_answer_from_a_wildcard_has_its_proofs_and_no_soa() -> None:
    """RFC 4035, 3.1.3.3."""
    reply = cleaned(SIGNED, A_WWW, authority=(*PROOFS, SOA))

    assert lines_of(reply.answer) == (A_WWW,)
    assert list(lines_of(reply.authority)) == [
        PROOF,
        signature("a.example.", "NSEC", 60),
        HASHED,
    ]


def test_without_do_no_proof_is_kept() -> None:
    """RFC 4035, 3.2.1."""
    assert cleaned(WWW, A_WWW, authority=PROOFS).authority == ()
    assert lines_of(cleaned(WWW, authority=(*PROOFS, SOA)).authority) == (SOA,)


DNAME = "example. 300 IN DNAME example.net."
MADE = "www.example. 300 IN CNAME www.example.net."
A_MADE = "www.example.net. 300 IN A 192.0.2.1"


def test_of_a_dname_the_alias_that_it_makes_is_kept() -> None:
    """C-06; RFC 6672, 3.2: a stub resolver needs no more."""
    assert lines_of(cleaned(WWW, DNAME, MADE, A_MADE).answer) == (MADE, A_MADE)


def test_with_do_the_dname_is_kept_too_for_it_alone_is_signed() -> None:
    """RFC 6672, 5.3.1: the alias that it makes has no signature."""
    signed = signature("example.", "DNAME")

    assert lines_of(cleaned(SIGNED, MADE, A_MADE, DNAME, signed).answer) == (
        DNAME,
        signed,
        MADE,
        A_MADE,
    )


@pytest.mark.parametrize(
    "dname",
    [
        "www.example. 300 IN DNAME www.example.net.",
        "a.www.example. 300 IN DNAME www.example.net.",
        "example.net. 300 IN DNAME evil.",
        "example. 300 IN DNAME evil.",
        ". 300 IN DNAME org.",
        "le. 300 IN DNAME example.net.",
    ],
)
def test_with_do_a_dname_that_did_not_make_the_alias_is_dropped(dname: str) -> None:
    """C-06: at the name, below it, elsewhere, up the tree with another target."""
    assert lines_of(cleaned(SIGNED, dname, MADE, A_MADE).answer) == (MADE, A_MADE)


def test_with_do_a_dname_of_the_root_is_one_like_any() -> None:
    """RFC 6672, 2.2: every name is below it."""
    dname = ". 300 IN DNAME net."
    made = "www.example. 300 IN CNAME www.example.net."

    assert lines_of(cleaned(SIGNED, dname, made, A_MADE).answer) == (dname, made, A_MADE)


def test_a_dname_that_made_two_aliases_is_kept_once() -> None:
    """RFC 6672, 3.4: a chain may come by the same one again."""
    dname = "example. 300 IN DNAME b.example."
    first = "www.example. 300 IN CNAME www.b.example."
    second = "www.b.example. 300 IN CNAME www.b.b.example."
    last = "www.b.b.example. 300 IN A 192.0.2.1"

    assert lines_of(cleaned(SIGNED, dname, first, second, last).answer) == (
        dname,
        first,
        second,
        last,
    )
