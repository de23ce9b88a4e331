"""Names in random case (C-05)."""

from __future__ import annotations

from kubedns_py.dns.ask import write_ask
from kubedns_py.dns.name import from_text, to_wire
from kubedns_py.upstream.spelling import Spelling, at_random
from tests.helpers import oracle
from tests.helpers.octets import FORMERR, QR, header
from tests.helpers.replies import asking, reply_to

WWW = asking("www.example.")
DRAWS = 10_000


def spelled(text: str) -> Spelling:
    """Return a spelling in which plain labels are as in the text."""
    labels = [label.encode() for label in text.rstrip(".").split(".")]
    return Spelling(to_wire(tuple(labels)), lambda: None)


def test_each_letter_is_a_capital_as_often_as_not_and_nothing_else_changes() -> None:
    """C-05: five standard deviations of 10,000 draws; the longest name too."""
    label = "abcdefghijklmnopqrstuvwxyz-0123456789"
    name = from_text(f"{label}.{label}.{label}.{label}.{label}.{label}.zz")
    plain = to_wire(name)
    capitals = [0] * len(plain)
    for _ in range(DRAWS):
        octets = at_random(name)
        assert octets is not None
        assert octets.lower() == plain
        for index, octet in enumerate(octets):
            capitals[index] += octet != plain[index]

    chance = [count for octet, count in zip(plain, capitals, strict=True) if chr(octet).isalpha()]
    assert len(chance) == 6 * 26 + 2
    assert sum(capitals) == sum(chance)
    assert all(abs(count - DRAWS / 2) < 250 for count in chance)


def test_two_draws_are_not_alike() -> None:
    """C-05: from the operating system's random source, anew for each question."""
    name = from_text("a-name-with-many-letters.in-a-zone-with-many.example")

    assert len({at_random(name) for _ in range(100)}) == 100


def test_a_name_without_letters_has_no_spelling() -> None:
    """C-05: nothing can be gained."""
    assert at_random(()) is None
    assert at_random(from_text("10.96.0.10")) is None
    assert at_random(from_text("\\200\\064\\091\\096\\123")) is None


def test_a_query_is_the_same_but_for_the_case_of_its_name() -> None:
    """C-05; RFC 4343."""
    query = write_ask(WWW, oracle.ID)

    changed = spelled("wWw.exAMPle.").put_into(query)

    assert oracle.read(changed).question == ("wWw.exAMPle. IN A",)
    assert changed.lower() == query.lower()
    assert len(changed) == len(query)


def test_the_reply_has_the_same_octets_in_its_question() -> None:
    """C-05: every letter counts."""
    reply = reply_to(WWW, "www.example. 60 IN A 192.0.2.1")
    in_case = spelled("wWw.exAMPle.").put_into(reply)

    assert spelled("wWw.exAMPle.").is_that_of(in_case)
    assert not spelled("wWw.exAMPlE.").is_that_of(in_case)
    assert not spelled("wWw.exAMPle.").is_that_of(reply)
    assert spelled("www.example.").is_that_of(reply)


def test_a_refusal_of_edns_without_a_question_has_no_case() -> None:
    """C-13: a header alone, as old servers send it."""
    assert spelled("wWw.exAMPle.").is_that_of(header(QR | FORMERR, qd=0))
