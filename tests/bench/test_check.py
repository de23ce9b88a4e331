"""What counts as a right answer."""

import pytest

from bench.check import is_right
from bench.mixes import Question

EXISTS = Question("web.shop.svc.cluster.local.", "A", 2)
EMPTY = Question("web.shop.svc.cluster.local.", "AAAA", 0)
DENIED = Question("www.example.com.shop.svc.cluster.local.", "A", None)


def header(rcode: int, answers: int) -> bytes:
    """Return the header of a reply (RFC 1035, 4.1.1)."""
    return bytes([0, 1, 0x84, rcode, 0, 1, 0, answers, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("asked", "rcode", "answers", "right"),
    [
        (EXISTS, 0, 2, True),
        (EXISTS, 0, 1, False),
        (EXISTS, 2, 0, False),
        (EMPTY, 0, 0, True),
        (EMPTY, 3, 0, False),
        (DENIED, 3, 0, True),
        (DENIED, 0, 0, False),
    ],
)
def test_the_rcode_and_the_number_of_answers_have_to_be_right(
    asked: Question, rcode: int, answers: int, *, right: bool
) -> None:
    """Issue 4: a server that answers wrongly has no speed."""
    assert is_right(header(rcode, answers), asked) is right


def test_no_reply_is_not_right() -> None:
    """A lost datagram is asked for again, not counted."""
    assert not is_right(b"", DENIED)
