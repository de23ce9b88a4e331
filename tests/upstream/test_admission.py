"""Who may have how much in flight."""

from __future__ import annotations

from kubedns_py.dns.rcode import EDE_OTHER, SERVFAIL
from kubedns_py.dns.render import Reply
from kubedns_py.upstream.admission import Admission, Bounds, Client
from kubedns_py.upstream.counts import ForwardCounts, Reject


def admissions(**bounds: int) -> tuple[Admission, ForwardCounts]:
    """Return an Admission and what it counts."""
    counts = ForwardCounts()
    return Admission(Bounds(**bounds), counts), counts


def admitted(found: Client | Reply) -> Client:
    """Return the client that was admitted."""
    assert isinstance(found, Client)
    return found


def refusal(found: Client | Reply) -> str:
    """Return the text of a refusal."""
    assert isinstance(found, Reply)
    assert found.rcode == SERVFAIL
    assert found.ede is not None
    assert found.ede.code == EDE_OTHER
    return found.ede.text


def test_all_clients_together_have_so_many_slots() -> None:
    """L-04, FWD-7: the next one is told at once."""
    admission, counts = admissions(slots=20)
    for n in range(20):
        admitted(admission.begin(f"10.0.0.{n}"))

    assert refusal(admission.begin("10.0.1.1")) == (
        "too many questions are waiting: 20 is the limit of all clients"
    )
    assert counts.rejects[Reject.TOTAL] == 1


def test_one_client_has_a_tenth_of_the_slots() -> None:
    """L-04: at most 10 % of the slots."""
    admission, counts = admissions(slots=20)
    admitted(admission.begin("10.0.0.1"))
    admitted(admission.begin("10.0.0.1"))

    assert refusal(admission.begin("10.0.0.1")) == (
        "too many questions are waiting: 2 is the limit of one client"
    )
    assert counts.rejects[Reject.CLIENT] == 1
    admitted(admission.begin("10.0.0.2"))


def test_even_the_smallest_bound_lets_a_client_ask() -> None:
    """A tenth of one is nothing."""
    admission, _ = admissions(slots=1)

    admitted(admission.begin("10.0.0.1"))


def test_a_place_takes_no_slot() -> None:
    """C-17: 1000 clients with the same question are one question."""
    admission, _ = admissions(slots=1000)
    admitted(admission.begin("10.0.0.1"))

    for _ in range(999):
        admitted(admission.join("10.0.0.1"))

    assert (admission.slots, admission.places) == (1, 1000)
    assert admission.load == 0.001


def test_one_client_waits_with_as_many_questions_as_there_are_slots() -> None:
    """C-27, CVE-2024-33655: no pulse can be gathered."""
    admission, counts = admissions(slots=1000)
    admitted(admission.begin("10.0.0.1"))
    for _ in range(999):
        admitted(admission.join("10.0.0.1"))

    refusal(admission.join("10.0.0.1"))

    assert counts.rejects[Reject.CLIENT] == 1
    admitted(admission.join("10.0.0.2"))


def test_all_clients_together_have_so_many_places() -> None:
    """C-17: waiters are bounded."""
    admission, counts = admissions(slots=10, places_per_slot=2)
    admitted(admission.begin("10.0.0.0"))
    for n in range(19):
        admitted(admission.join(f"10.0.1.{n}"))

    refusal(admission.join("10.0.2.1"))

    assert counts.rejects[Reject.TOTAL] == 1


def test_what_is_given_back_can_be_taken_again() -> None:
    """L-04: cluster and clients recover by themselves."""
    admission, _ = admissions(slots=10)
    client = admitted(admission.begin("10.0.0.1"))
    other = admitted(admission.join("10.0.0.1"))
    assert client is other

    admission.end(client)
    assert (admission.slots, admission.places) == (0, 1)
    admission.leave(client)

    assert (admission.slots, admission.places) == (0, 0)
    again = admitted(admission.begin("10.0.0.1"))
    assert again is not client  # nothing is remembered of who has nothing in flight
