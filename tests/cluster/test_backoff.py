"""Waiting longer after every failure, and forgetting it after a time of health."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.backoff import Backoff


def test_waits_double_up_to_thirty_seconds() -> None:
    """Reliability 1.4: client-go's 0.8 s to 30 s; no number overflows in a year of failures."""
    backoff = Backoff()

    waits = [backoff.failed(0.0) for _ in range(2000)]

    assert waits[:7] == pytest.approx([0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0])
    assert set(waits[6:]) == {30.0}


@pytest.mark.parametrize(("healthy_s", "expected"), [(119.0, 3.2), (120.0, 0.8)])
def test_two_minutes_of_health_count_from_the_first_success(
    healthy_s: float, expected: float
) -> None:
    """Reliability 1.4: a later success does not begin it anew."""
    backoff = Backoff()
    backoff.failed(0.0)
    backoff.failed(0.0)
    backoff.succeeded(10.0)
    backoff.succeeded(10.0 + healthy_s - 1)

    assert backoff.failed(10.0 + healthy_s) == pytest.approx(expected)


def test_a_failure_ends_the_time_of_health() -> None:
    """A flapping server is never healthy for long enough (F-03)."""
    backoff = Backoff()
    for n in range(4):
        backoff.succeeded(n * 100.0)
        wait = backoff.failed(n * 100.0 + 99)

    assert wait == pytest.approx(6.4)
