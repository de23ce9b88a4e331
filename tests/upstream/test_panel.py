"""Which server of a group is asked."""

from __future__ import annotations

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.upstream.health import LOOPING_S, Health
from kubedns_py.upstream.panel import ALONE_PATIENCE_S, EXPLORE_EVERY, Panel

NOW = 1000.0


def a_panel(*rtts_s: float, now: float = NOW) -> Panel:
    """Return servers with these times to reply, 0 for unknown."""
    healths = [Health(Nameserver(f"10.0.0.{n}")) for n, _ in enumerate(rtts_s, 1)]
    for health, rtt_s in zip(healths, rtts_s, strict=True):
        if rtt_s:
            health.replied(rtt_s, now)
    return Panel(".", healths)


def host(panel: Panel, now: float = NOW) -> str:
    """Return whom the next question goes to."""
    choice = panel.first(now)
    return choice.health.server.host if choice else "nobody"


def down(health: Health) -> None:
    """Take a server down."""
    health.failed_probe()
    health.failed_probe()


def test_the_soonest_is_asked() -> None:
    """FWD-4: latency-aware."""
    assert host(a_panel(0.03, 0.01, 0.02)) == "10.0.0.2"


def test_the_first_listed_is_asked_when_nothing_is_known() -> None:
    """FWD-4: in the order of the configuration."""
    assert host(a_panel(0, 0, 0)) == "10.0.0.1"


def test_a_good_one_is_asked_before_an_unknown_one_and_that_before_a_bad_one() -> None:
    """Our choice: nobody's question is spent on finding out while a good server is known."""
    assert host(a_panel(0, 0.02)) == "10.0.0.2"
    assert host(a_panel(0, 0.9)) == "10.0.0.1"


def test_a_suspect_is_asked_after_the_others() -> None:
    """A dead upstream among three costs one retry, then nothing."""
    panel = a_panel(0.001, 0.02, 0.03)

    panel.healths[0].kept_waiting(0.2)

    assert host(panel) == "10.0.0.2"


def test_who_is_down_or_loops_is_not_asked() -> None:
    """C-15, C-22."""
    panel = a_panel(0.001, 0.002, 0.003)
    down(panel.healths[0])
    panel.healths[1].loops(NOW)

    assert host(panel) == "10.0.0.3"
    assert list(panel.usable(NOW)) == [panel.healths[2]]
    assert host(panel, NOW + LOOPING_S) == "10.0.0.2"


def test_nobody_is_asked_when_all_are_down() -> None:
    """FWD-5: that is told at once."""
    panel = a_panel(0.001, 0.002)
    for health in panel.healths:
        down(health)

    assert panel.first(NOW) is None
    assert Panel(".", ()).first(NOW) is None


def test_one_question_in_64_goes_to_who_was_heard_least_recently() -> None:
    """FWD-4: what is known of the others stays new."""
    panel = a_panel(0.001, 0.02, 0.03)
    panel.healths[1].heard_at = NOW - 10
    panel.healths[2].heard_at = NOW - 20

    hosts = [host(panel) for _ in range(EXPLORE_EVERY)]

    assert hosts == ["10.0.0.1"] * (EXPLORE_EVERY - 1) + ["10.0.0.3"]


def test_however_many_questions_come_others_are_asked_once_a_second() -> None:
    """FWD-4: at 10,000 questions a second a slow server shall not show in the p99."""
    panel = a_panel(0.001, 0.2)

    assert {host(panel, NOW + 0.9) for _ in range(EXPLORE_EVERY * 3)} == {"10.0.0.1"}
    assert "10.0.0.2" in {host(panel, NOW + 1.1) for _ in range(EXPLORE_EVERY)}


def test_no_question_is_spent_on_a_suspect() -> None:
    """A dead upstream among three costs one retry, then nothing."""
    panel = a_panel(0.001, 0.02)
    panel.healths[1].kept_waiting(0.2)

    assert {host(panel, NOW + 100) for _ in range(EXPLORE_EVERY * 2)} == {"10.0.0.1"}


def test_who_is_tried_is_not_waited_for_longer_than_the_best() -> None:
    """FWD-4: what finding out may cost a client."""
    panel = a_panel(0.001, 0.2)
    panel.healths[1].heard_at = NOW - 10

    choices = [panel.first(NOW) for _ in range(EXPLORE_EVERY)]

    assert choices[-1] is not None
    assert choices[-1].health.server.host == "10.0.0.2"
    assert choices[-1].patience_s == panel.healths[0].patience_s < panel.healths[1].patience_s


def test_the_only_server_is_waited_for_longer() -> None:
    """C-15: asking it twice helps against lost packets alone."""
    panel = a_panel(0.001, 0.02)
    best, other = panel.healths
    assert panel.patience_s(best, NOW) == best.patience_s

    down(other)

    choice = panel.first(NOW)
    assert choice is not None
    assert choice.patience_s == panel.patience_s(best, NOW) == ALONE_PATIENCE_S
