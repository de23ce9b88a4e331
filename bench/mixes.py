"""What is asked about a cluster: mixes of questions, each with the answer that is right.

Rules of this file:

- A mix follows from the cluster and a seed, so every server of a run is asked the same.
- Every answer fits into 512 octets: nothing is asked twice because of truncation.
"""

from __future__ import annotations

import ipaddress
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from bench.cluster import DOMAIN, Cluster, Kind, Service
from bench.zonefile import reverse_name

WARM_SHARES = {"A": 60, "AAAA": 15, "headless A": 10, "SRV": 5, "search leftover": 8, "PTR": 2}
"""Percent of the warm mix."""

COLD_SHARES = {"search leftover": 45, "endpoint": 30, "PTR": 20, "service": 5}
"""Percent of the cold mix, as long as there are names that were not asked yet."""

HOT_SERVICES = 1_000
"""Services that the warm mix asks for; all of a smaller cluster."""

_MOST_ADDRESSES = 24
_MOST_TARGETS = 3
_OUTSIDE = ("www.example.com", "api.example.net", "registry.example.org", "time.example.com")
_UNUSED = int(ipaddress.IPv4Address("10.200.0.0"))


class Question(NamedTuple):
    """A question, and what a right answer has.

    Attributes:
        name: absolute.
        qtype: mnemonic.
        answers: records in the answer section; None where the name does not exist (NXDOMAIN).
    """

    name: str
    qtype: str
    answers: int | None


def write_questions(path: Path, questions: Iterable[Question]) -> None:
    """Write questions as dnsperf reads them."""
    path.write_text("".join(f"{each.name} {each.qtype}\n" for each in questions))


def warm_mix(cluster: Cluster, count: int, seed: int = 1) -> list[Question]:
    """Return questions that come again and again, in the shares of a usual day.

    Args:
        cluster: its first Services are those that are in use.
        count: of questions; a few thousand different ones are among them.
        seed: of the order.
    """
    chance = random.Random(f"warm/{seed}")  # noqa: S311 - no secret
    hot = cluster.first(HOT_SERVICES)
    virtual = hot.of_kind(Kind.CLUSTER_IP)
    headless = [each for each in hot.of_kind(Kind.HEADLESS) if _fits(each)]
    draw: dict[str, Callable[[], Question]] = {
        "A": lambda: Question(chance.choice(virtual).owner, "A", 1),
        "AAAA": lambda: Question(chance.choice(virtual).owner, "AAAA", 0),
        "headless A": lambda: _addresses(chance.choice(headless)),
        "SRV": lambda: _port(chance.choice(virtual)),
        "search leftover": lambda: Question(
            f"{chance.choice(_OUTSIDE)}.{chance.choice(hot.namespaces)}.svc.{DOMAIN}", "A", None
        ),
        "PTR": lambda: Question(reverse_name(chance.choice(virtual).address), "PTR", 1),
    }
    kinds = chance.choices(list(WARM_SHARES), list(WARM_SHARES.values()), k=count)
    return [draw[kind]() for kind in kinds]


def cold_mix(cluster: Cluster, count: int, seed: int = 1) -> list[Question]:
    """Return questions of which none comes twice, fewer than ``count`` if there are no more.

    Args:
        cluster: all of it is asked for.
        count: most of them.
        seed: of the order and of the names that do not exist.
    """
    chance = random.Random(f"cold/{seed}")  # noqa: S311 - no secret
    left = {
        "search leftover": _leftovers(cluster, chance),
        "endpoint": iter(_shuffled(_of_endpoints(cluster), chance)),
        "PTR": iter(_shuffled(_of_addresses(cluster), chance)),
        "service": iter(_shuffled(_of_services(cluster), chance)),
    }
    kinds = chance.choices(list(COLD_SHARES), list(COLD_SHARES.values()), k=count)
    found = []
    for kind in kinds:
        question = next(left[kind], None)
        if question is None:
            break  # without this kind it would be another mix
        found.append(question)
    return found


def random_names(namespaces: Iterable[str], seed: int = 1) -> Iterator[Question]:
    """Yield names of Services that do not exist, without end, each once."""
    chance = random.Random(f"random/{seed}")  # noqa: S311 - no secret
    places = list(namespaces)
    for number in itertools.count():
        mark = f"{chance.getrandbits(32):08x}{number:x}"
        yield Question(f"{mark}.{places[number % len(places)]}.svc.{DOMAIN}", "A", None)


def _leftovers(cluster: Cluster, chance: random.Random) -> Iterator[Question]:
    """Yield outside names below each suffix of a search list, as a C library walks it."""
    places = cluster.namespaces
    for number in itertools.count():
        outside = f"{chance.getrandbits(24):06x}{number:x}.example.com"
        for suffix in (f"{places[number % len(places)]}.svc.", "svc.", ""):
            yield Question(f"{outside}.{suffix}{DOMAIN}", ("A", "AAAA")[number % 2], None)


def _of_services(cluster: Cluster) -> Iterator[Question]:
    for service in cluster.services:
        if service.kind is Kind.CLUSTER_IP:
            yield Question(service.owner, "A", 1)
            yield Question(service.owner, "AAAA", 0)
            yield from (_port(service, number) for number in range(len(service.ports)))
        elif service.kind is Kind.HEADLESS and _fits(service):
            yield _addresses(service)
            yield Question(service.owner, "AAAA", 0)
            if len(service.endpoints) <= _MOST_TARGETS:
                yield _port(service)


def _of_endpoints(cluster: Cluster) -> Iterator[Question]:
    for service in cluster.services:
        for endpoint in service.endpoints:
            name = f"{endpoint.label}.{service.owner}"
            yield Question(name, "A", 1)
            yield Question(name, "AAAA", 0)


def _of_addresses(cluster: Cluster) -> Iterator[Question]:
    """Yield a sweep: every address that is in use, and one in ten that nobody has."""
    unused = itertools.count(_UNUSED)
    for service in cluster.services:
        own = [service.address] if service.kind is Kind.CLUSTER_IP else []
        for address in [*own, *(each.address for each in service.endpoints)]:
            yield Question(reverse_name(address), "PTR", 1)
        free = str(ipaddress.IPv4Address(next(unused)))
        yield Question(reverse_name(free), "PTR", None)


def _addresses(service: Service) -> Question:
    return Question(service.owner, "A", len(service.endpoints))


def _port(service: Service, number: int = 0) -> Question:
    port = service.ports[number]
    targets = len(service.endpoints) if service.kind is Kind.HEADLESS else 1
    return Question(f"_{port.name}._{port.protocol.lower()}.{service.owner}", "SRV", targets)


def _fits(service: Service) -> bool:
    """Tell whether the addresses fit into a reply without EDNS (RFC 1035, 4.2.1)."""
    return len(service.endpoints) <= _MOST_ADDRESSES


def _shuffled(questions: Iterable[Question], chance: random.Random) -> list[Question]:
    found = list(questions)
    chance.shuffle(found)
    return found
