"""Which questions were asked before."""

from kubedns_py.server.doorkeeper import SLOTS, Doorkeeper


def test_a_question_is_known_from_the_second_time_on() -> None:
    """The first time it may be one of many that never come again."""
    doorkeeper = Doorkeeper()

    assert [doorkeeper.knows(b"a") for _ in range(3)] == [False, True, True]


def test_questions_that_come_once_are_hardly_ever_taken_for_others() -> None:
    """One in 65,536, at any rate."""
    doorkeeper = Doorkeeper()
    doorkeeper_for_hot = doorkeeper.knows(b"hot")

    mistaken = sum(doorkeeper.knows(b"%d" % number) for number in range(200_000))

    assert not doorkeeper_for_hot
    assert mistaken < 50


def test_a_question_is_remembered_while_others_come() -> None:
    """A second of 20,000 random names is no reason to forget one; most of a hundred stay known."""
    doorkeeper = Doorkeeper()
    hot = [b"hot%d" % number for number in range(100)]
    for key in hot:
        doorkeeper.knows(key)

    for number in range(20_000):
        doorkeeper.knows(b"%d" % number)

    assert sum(map(doorkeeper.knows, hot)) > 50
    assert SLOTS > 100_000
