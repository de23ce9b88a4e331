"""Counts of values by upper bound, in the shape of Prometheus's histograms."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final

DURATION_BOUNDS_S: Final = tuple(0.00025 * 2**step for step in range(16))
"""0.25 ms to 8.192 s: CoreDNS's buckets of the times of its own answers and of its upstreams'."""


class Histogram:
    """Counts of values by upper bound.

    Attributes:
        bounds: upper bounds, inclusive, ascending.
        counts: values per bucket, not cumulative; one longer than ``bounds``, for what is above.
        total: sum of the values.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds: tuple[float, ...] = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total: float = 0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add(self, counts: Iterable[int], total: float) -> None:
        """Add values that were counted elsewhere with the same bounds."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, counts, strict=True)]
        self.total += total
