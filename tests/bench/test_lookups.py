"""Latencies of single lookups."""

import itertools
import socket
import threading

import pytest

from bench.figures import histogram
from bench.lookups import Lookups, Pace, look_up, percentile
from bench.running import question


def test_a_percentile_is_a_value_that_was_measured() -> None:
    """Nearest rank: no value is made up between two."""
    values = [float(each) for each in range(100, 0, -1)]

    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1) == 100
    assert percentile([7.0], 0.99) == 7
    assert percentile([], 0.99) == 0


def test_the_slowest_class_holds_the_lost_lookups() -> None:
    """A lookup that never came back is the worst, not absent."""
    found = Lookups(answered_ms=[1, 10, 11, 6000], refused_ms=[90], lost=2)

    figures = histogram("all", found)

    assert {name: n for name, n in figures.items() if n} == {
        "all: ≤ 10 ms": 2,
        "all: ≤ 20 ms": 1,
        "all: ≤ 100 ms": 1,
        "all: slower or lost": 3,
    }


def test_answered_refused_and_lost_lookups_are_told_apart() -> None:
    """One server answers the first question, refuses the second and is silent at the third."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(9)

        def serve() -> None:
            for rcode in (0, 2):
                query, client = server.recvfrom(512)
                flags = bytes((0x81, 0x80 | rcode))
                server.sendto(query[:2] + flags + query[4:], client)

        serving = threading.Thread(target=serve)
        serving.start()
        questions = itertools.repeat(question("web.shop.svc.cluster.local."))
        port = server.getsockname()[1]
        heard = Pace(seconds=9, window=1, rate=1e6, timeout_s=9, most=2)
        found = look_up(port, questions, heard)
        serving.join()
        unheard = Pace(seconds=9, window=1, rate=1e6, timeout_s=0.2, most=1)
        missed = look_up(port, questions, unheard)

    assert (len(found.answered_ms), len(found.refused_ms), found.lost) == (1, 1, 0)
    assert (found.count, found.failed) == (2, 1)
    assert found.answered_ms[0] == pytest.approx(0, abs=9000)
    assert (missed.answered_ms, missed.refused_ms, missed.lost) == ([], [], 1)
    assert (missed.count, missed.failed) == (1, 1)
