"""dnsperf's report as numbers. The texts are what dnsperf 2.10.0 printed."""

from pathlib import Path

import pytest

from bench.dnsperf import Load, command, parse

CLEAN = """\
Statistics:

  Queries sent:         91635
  Queries completed:    91635 (100.00%)
  Queries lost:         0 (0.00%)

  Response codes:       NOERROR 91000 (99.31%), SERVFAIL 635 (0.69%)
  Average packet size:  request 38, response 71
  Run time (s):         4.022075
  Queries per second:   22782.834967

  Average Latency (s):  0.008761 (min 0.000095, max 0.061044)
  Latency StdDev (s):   0.003410
"""

LOSSY = """\
Statistics:

  Queries sent:         1000
  Queries completed:    900 (90.00%)
  Queries lost:         100 (10.00%)

  Response codes:       NOERROR 900 (100.00%)
  Run time (s):         5.000100
  Queries per second:   179.996400

  Average Latency (s):  0.028620 (min 0.020166, max 0.089166)
"""

SILENT = """\
Statistics:

  Queries sent:         9090
  Queries completed:    0 (0.00%)
  Queries lost:         9090 (100.00%)

  Response codes:
  Run time (s):         10.000000
  Queries per second:   0.000000

  Average Latency (s):  0.000000 (min 0.000000, max 0.000000)
"""


def test_only_noerror_counts_towards_the_rate() -> None:
    """Our choice: a server that refuses fast is not a fast server."""
    answered = parse(CLEAN, limit_s=4)

    assert (answered.sent, answered.completed, answered.good) == (91635, 91635, 91000)
    assert answered.mean_ms == pytest.approx(8.761)
    assert answered.rate == pytest.approx(91000 / 4.022075)


def test_the_wait_for_lost_answers_does_not_lower_the_rate() -> None:
    """It is run time for dnsperf, and as long as the timeout that we gave."""
    assert parse(LOSSY, limit_s=4).rate == pytest.approx(900 / 4)


def test_a_report_without_an_answer_is_a_rate_of_zero() -> None:
    """No response code is listed then."""
    assert parse(SILENT, limit_s=5).rate == 0


def test_what_is_no_report_is_refused_with_its_words() -> None:
    """A changed output must not become a figure."""
    with pytest.raises(ValueError, match=r"Queries sent.*unable to open"):
        parse("Error: unable to open file: no.txt")


def test_names_that_must_be_new_are_read_once_within_the_time() -> None:
    """dnsperf(1): with -l the file is read again and again unless -n says how often."""
    path = Path("new.txt")

    words = command(Path("dnsperf"), 53, Load([path], seconds=5, once=True), path)

    assert words[words.index("-l") + 1] == "5"
    assert words[words.index("-n") + 1] == "1"


MIXED = CLEAN.replace("NOERROR 91000 (99.31%), SERVFAIL 635", "NOERROR 91000 (99%), NXDOMAIN 635")


def test_denials_count_as_good_where_names_are_asked_that_do_not_exist() -> None:
    """Issue 4: 8 % of the warm mix are search leftovers."""
    assert parse(MIXED).good == 91000
    assert parse(MIXED, denials=True).good == 91635
