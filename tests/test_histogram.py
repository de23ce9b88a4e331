"""Buckets: each value in one, by the bound that it does not exceed."""

import pytest

from kubedns_py.histogram import DURATION_BOUNDS_S, Histogram


def test_a_value_is_counted_below_the_bound_that_it_reaches() -> None:
    """CoreDNS, proxy_request_duration_seconds: 0.25 ms doubling, 16 buckets."""
    histogram = Histogram(DURATION_BOUNDS_S)

    histogram.observe(0.00025)
    histogram.observe(0.0003)
    histogram.observe(100)

    assert histogram.bounds == DURATION_BOUNDS_S
    assert len(DURATION_BOUNDS_S) == 16
    assert histogram.counts[:2] == [1, 1]
    assert histogram.counts[-1] == 1
    assert histogram.total == 0.00025 + 0.0003 + 100


def test_a_histogram_holds_what_lies_above_its_last_bound() -> None:
    """Prometheus: the bucket +Inf has them all."""
    histogram = Histogram((1, 2))

    for value in (0.5, 1, 1.5, 2, 99):
        histogram.observe(value)

    assert histogram.counts == [2, 2, 1]
    assert histogram.total == 104


def test_what_was_counted_elsewhere_is_added_bucket_by_bucket() -> None:
    """A cell of the tally holds counts alone; a scrape makes histograms of them."""
    histogram = Histogram((1, 2))
    histogram.observe(1.5)

    histogram.add((1, 2, 3), 20)

    assert histogram.counts == [1, 3, 3]
    assert histogram.total == 21.5


def test_counts_of_other_bounds_are_not_added() -> None:
    """They would land in the wrong buckets."""
    with pytest.raises(ValueError, match="longer"):
        Histogram((1, 2)).add((1, 2, 3, 4), 20)
