"""The query log: which answers get a line, and that the line is one."""

import logging

import pytest

from kubedns_py.server.query_logger import QueryLogger
from tests.helpers.separately import printed


def test_nothing_is_logged_unless_it_was_asked_for() -> None:
    """Reliability 4.2: off by default."""
    assert not any(QueryLogger().wants(seconds) for seconds in (0.0, 0.5, 1e9))


def test_all_are_logged() -> None:
    """--log-queries all."""
    assert all(QueryLogger(1.0).wants(0.0) for _ in range(100))


@pytest.mark.parametrize(("share", "lines"), [(0.5, 500), (0.25, 250), (0.125, 125)])
def test_a_share_is_logged_evenly(share: float, lines: int) -> None:
    """--log-queries 25%: no luck is needed to see one."""
    logger = QueryLogger(share)

    wanted = [logger.wants(0.0) for _ in range(1000)]

    assert sum(wanted) == lines
    assert all(any(wanted[at : at + round(1 / share)]) for at in range(0, 1000, round(1 / share)))


def test_only_slow_answers_are_logged() -> None:
    """--log-queries 100ms (coredns#4980)."""
    logger = QueryLogger(1.0, 0.1)

    assert [logger.wants(seconds) for seconds in (0.0, 0.099, 0.1, 2.0)] == [
        False,
        False,
        True,
        True,
    ]


def test_a_hostile_name_stays_on_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """Reliability 4.3, RFC 4343, 2.1."""
    caplog.set_level(logging.INFO)

    QueryLogger.say((b"a\nb\x1b[J", b"x.y"), 65, "udp", 3, "missing", 0.0123)

    assert caplog.messages == [
        r"query a\010b\027[j.x\.y. HTTPS over udp: rcode 3 by missing in 12.300 ms".replace(
            "j", "J"
        )
    ]


def test_what_a_line_needs_is_there_before_the_first_answer() -> None:
    """F-36: an import takes files, and there may be none left when something is to be logged."""
    code = "import sys; from kubedns_py.server.query_logger import QueryLogger; QueryLogger({});"
    code += "print('dnslib' in sys.modules)"

    assert [printed(code.format(share)) for share in ("", "0.01, 0.1")] == ["False", "True"]
