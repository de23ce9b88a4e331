"""A run's report."""

from bench.report import as_json, as_markdown
from bench.rounds import Round, Run
from bench.scenarios import SCENARIOS

CACHED = SCENARIOS[0]


def run(rates: dict[str, list[float]]) -> Run:
    """Return a run of one scenario with these rates per server."""
    rounds = [
        Round(CACHED.name, server, number, {"answers_per_s": rate, "lost": 0})
        for server, all_of_it in rates.items()
        for number, rate in enumerate(all_of_it, start=1)
    ]
    return Run(dict.fromkeys(rates, "1.0"), 5, rounds)


def test_a_table_has_medians_ranges_and_the_ratio_of_medians() -> None:
    """Issue 3: medians over alternating rounds, ratios in one run."""
    rates = {"CoreDNS": [10_000.0, 30_000, 20_000], "kubedns-py": [50_000.0, 50_000, 50_000]}

    text = as_markdown("Figures", run(rates), {}, [CACHED])

    assert "| figure | CoreDNS | kubedns-py | kubedns-py / CoreDNS |" in text
    assert "| answers per s | 20,000 (10,000–30,000) | 50,000 | 2.50 |" in text  # noqa: RUF001 - an en dash is meant
    assert "| lost | 0 | 0 |  |" in text


def test_a_server_alone_has_no_ratio() -> None:
    """A ratio is of two in one run, never of a run and a memory of another."""
    text = as_markdown("Figures", run({"CoreDNS": [12.34]}), {"cores": "2"}, [CACHED])

    assert "- cores: 2" in text
    assert "| figure | CoreDNS |" in text
    assert "| answers per s | 12.3 |" in text


def test_the_json_has_every_round() -> None:
    """Medians can be made again, and others."""
    found = as_json(run({"CoreDNS": [1, 2]}), {"cores": "2"})

    assert found["rounds"][1] == {
        "scenario": "cached",
        "server": "CoreDNS",
        "round": 2,
        "answers_per_s": 2,
        "lost": 0,
    }
