"""How long a wait is in the end."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.requests import Pause


@pytest.mark.parametrize(
    ("pause", "low", "high"),
    [
        (Pause(), 0.0, 0.0),
        (Pause(backoff_s=8.0), 4.0, 8.0),
        (Pause(at_least_s=5.0), 5.0, 6.0),
        (Pause(spread_s=10.0), 0.0, 10.0),
        (Pause(backoff_s=30.0, at_least_s=5.0, spread_s=10.0), 15.0, 30.0),
        (Pause(backoff_s=0.8, at_least_s=60.0, spread_s=10.0), 60.0, 72.0),
    ],
)
def test_chance_decides_between_two_bounds(pause: Pause, low: float, high: float) -> None:
    """F-09, F-27: the longest of the three counts; never less than the server asked for."""
    assert pause.seconds(0.0) == pytest.approx(low)
    assert pause.seconds(1.0) == pytest.approx(high)
