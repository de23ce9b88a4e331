"""The asker's words as figures. The text is what it printed."""

import json

from bench.asking import Asked

SAID = (
    '{"asked_per_s":1999.6,"answered":3990,"denied":320,"failed":4,"lost":10,'
    '"ms":{"max":2000,"p50":0.09,"p90":2.9,"p99":33.2,"p99.9":2000}}'
)


def test_a_report_becomes_figures_in_a_fixed_order() -> None:
    """A figure carries its unit; percentiles go from the middle outwards."""
    figures = Asked(**json.loads(SAID)).figures("idle")

    assert list(figures.items()) == [
        ("idle: asked_per_s", 1999.6),
        ("idle: p50_ms", 0.09),
        ("idle: p90_ms", 2.9),
        ("idle: p99_ms", 33.2),
        ("idle: p99.9_ms", 2000),
        ("idle: max_ms", 2000),
        ("idle: lost", 10),
        ("idle: failed", 4),
    ]
