"""Which queries are logged."""

import pytest

from kubedns_py.config.query_log import ALL, OFF, QueryLog, parse_query_log
from kubedns_py.errors import UsageError


@pytest.mark.parametrize(
    ("text", "log"),
    [
        ("off", QueryLog(0.0, 0.0)),
        ("all", QueryLog(1.0, 0.0)),
        ("0%", QueryLog(0.0, 0.0)),
        ("1%", QueryLog(0.01, 0.0)),
        ("0.5%", QueryLog(0.005, 0.0)),
        ("100%", QueryLog(1.0, 0.0)),
        ("100ms", QueryLog(1.0, 0.1)),
        ("1m", QueryLog(1.0, 60.0)),
    ],
)
def test_all_none_a_share_or_the_slow_ones(text: str, log: QueryLog) -> None:
    """--log-queries: sampled or slow-only."""
    assert parse_query_log(text) == log


def test_the_words_have_names() -> None:
    """For those who ask for them in code."""
    assert (parse_query_log("off"), parse_query_log("all")) == (OFF, ALL)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is not known; give off, all, a share such as 1%, or a duration such as 100ms"),
        ("on", "'on' is not known; give off, all"),
        ("1", "'1' is not known; give off, all"),
        ("0s", "'0s' is out of range; give a duration above 0s, up to 1m"),
        ("2m", "'2m' is out of range; give a duration above 0s, up to 1m"),
        ("101%", "'101%' is not a share; give 0% to 100%, such as 0.5%"),
        ("-1%", "'-1%' is not a share"),
        ("nan%", "'nan%' is not a share"),
    ],
)
def test_what_is_none_of_these_is_refused(text: str, said: str) -> None:
    """Bad input gets one clear line: what is wrong, what to do."""
    with pytest.raises(UsageError) as refusal:
        parse_query_log(text)

    assert str(refusal.value).startswith(said)
