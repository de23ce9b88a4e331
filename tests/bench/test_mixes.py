"""The mixes against the zones: two generators that know nothing of each other have to agree."""

from collections import Counter
from itertools import islice
from pathlib import Path

import dns.name
import dns.rdatatype
import dns.zone
import pytest

from bench.cluster import Cluster, a_cluster
from bench.mixes import (
    COLD_SHARES,
    WARM_SHARES,
    Question,
    cold_mix,
    random_names,
    warm_mix,
    write_questions,
)
from bench.zonefile import write_zones


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    """Return a cluster that every test of this file asks about."""
    return a_cluster(300, 3_000)


class Served:
    """A zone as a name server would serve it and dnspython reads it.

    Attributes:
        origin: its apex.
        names: those that exist, between apex and records too (RFC 8020).
    """

    def __init__(self, path: Path, name: str) -> None:
        self.origin = dns.name.from_text(name)
        self._zone = dns.zone.from_file(str(path), origin=name, relativize=False)
        self.names = set[dns.name.Name]()
        for owner in self._zone.nodes:
            at = owner
            while at not in self.names:
                self.names.add(at)
                if at != self.origin:
                    at = at.parent()

    def count(self, name: dns.name.Name, qtype: str) -> int:
        """Return how many records a name has of a type."""
        found = self._zone.get_rdataset(name, dns.rdatatype.from_text(qtype))
        return len(found) if found else 0


@pytest.fixture(scope="module")
def zones(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> list[Served]:
    """Return what a name server would serve."""
    made = write_zones(cluster, tmp_path_factory.mktemp("zones"))
    return [Served(path, name) for name, path in made.items()]


def answers(zones: list[Served], question: Question) -> int | None:
    """Return how many records answer, or None where the name does not exist."""
    name = dns.name.from_text(question.name)
    (zone,) = [each for each in zones if name.is_subdomain(each.origin)]
    return zone.count(name, question.qtype) if name in zone.names else None


def test_the_zones_give_what_the_warm_mix_expects(cluster: Cluster, zones: list[Served]) -> None:
    """Issue 4: Knot DNS serves the same records."""
    questions = set(warm_mix(cluster, 3_000))

    assert [each for each in questions if answers(zones, each) != each.answers] == []


def test_the_zones_give_what_the_cold_mix_expects(cluster: Cluster, zones: list[Served]) -> None:
    """As above; every endpoint and every pointer is in it."""
    questions = cold_mix(cluster, 3_000)

    assert len(questions) == 3_000
    assert [each for each in questions if answers(zones, each) != each.answers] == []


def test_the_warm_mix_has_the_shares_of_the_issue(cluster: Cluster) -> None:
    """Issue 4: 60 % A, 15 % AAAA, 10 % headless A, 5 % SRV, 8 % search leftovers, 2 % PTR."""
    questions = warm_mix(cluster, 20_000)
    types = Counter(each.qtype for each in questions)
    denied = sum(each.answers is None for each in questions)

    assert sum(WARM_SHARES.values()) == sum(COLD_SHARES.values()) == 100
    assert types["A"] / 20_000 == pytest.approx(0.78, abs=0.02)  # with headless and leftovers
    assert types["AAAA"] / 20_000 == pytest.approx(0.15, abs=0.02)
    assert types["SRV"] / 20_000 == pytest.approx(0.05, abs=0.01)
    assert types["PTR"] / 20_000 == pytest.approx(0.02, abs=0.01)
    assert denied / 20_000 == pytest.approx(0.08, abs=0.02)


def test_the_cold_mix_asks_nothing_twice_and_ends_where_names_end(cluster: Cluster) -> None:
    """Issue 4: every name asked once."""
    questions = cold_mix(cluster, 1_000_000)

    assert 3_000 < len(questions) < 1_000_000
    assert len({(each.name, each.qtype) for each in questions}) == len(questions)


def test_random_names_are_new_and_in_the_cluster(cluster: Cluster) -> None:
    """Issue 4: random cluster names."""
    names = [each.name for each in islice(random_names(cluster.namespaces), 1_000)]

    assert len(set(names)) == 1_000
    assert all(name.endswith(".svc.cluster.local.") for name in names)
    assert {name.split(".")[1] for name in names} == set(cluster.namespaces)


def test_a_mix_follows_from_its_seed(cluster: Cluster) -> None:
    """Every server of a run, and the next run, is asked the same."""
    assert warm_mix(cluster, 100, seed=3) == warm_mix(cluster, 100, seed=3)
    assert cold_mix(cluster, 100, seed=3) == cold_mix(cluster, 100, seed=3)
    assert warm_mix(cluster, 100, seed=3) != warm_mix(cluster, 100, seed=4)


def test_questions_are_written_as_dnsperf_reads_them(tmp_path: Path) -> None:
    """dnsperf(1): a name and a type on each line."""
    write_questions(tmp_path / "q", [Question("a.svc.cluster.local.", "SRV", 1)])

    assert (tmp_path / "q").read_text() == "a.svc.cluster.local. SRV\n"
