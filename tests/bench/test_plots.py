"""What pictures are drawn from. The drawing itself needs matplotlib, which tests do without."""

from bench.plots import spread
from bench.rounds import Round, Run

RUN = Run(
    {"kubedns-py": "1"},
    5,
    [
        Round("warm", "kubedns-py", number, {"answers_per_s": rate})
        for number, rate in enumerate((90_000.0, 110_000.0, 100_000.0), start=1)
    ],
)


def test_a_point_is_the_median_and_its_bar_reaches_from_the_lowest_to_the_highest() -> None:
    """Issue 4: medians over alternating rounds."""
    assert spread(RUN, "warm", "kubedns-py", "answers_per_s") == (100_000, 90_000, 110_000)


def test_what_was_not_measured_has_no_point() -> None:
    """A picture shows no zero where nothing was measured."""
    assert spread(RUN, "cold", "kubedns-py", "answers_per_s") is None
    assert spread(RUN, "warm", "Knot DNS", "answers_per_s") is None
    assert spread(RUN, "warm", "kubedns-py", "p99_ms") is None
