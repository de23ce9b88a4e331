"""Answers agree with each other, in every scenario: what one points at, another has.

Rules of this file:

- These are laws about whatever a cluster holds; the scenarios are only where clusters come from.
"""

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path

import dns.reversename
import pytest

from kubedns_py.cluster.objects import Address
from kubedns_py.cluster.resources import Resource
from kubedns_py.server.arrival import IPV4, Arrival
from tests.helpers import oracle
from tests.helpers.scenario import SCENARIOS, LoadedScenario, load

TCP = Arrival("tcp", IPV4, Address(b"\x7f\0\0\1"))
FOLDERS = sorted(folder for folder in SCENARIOS.iterdir() if folder.is_dir())
in_every_scenario = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
ADDRESS = re.compile(r"\b\d+\.\d+\.\d+\.\d+\b|\b[0-9a-f]*:[0-9a-f:]+\b")


def ask(cluster: LoadedScenario, name: str, rtype: str) -> oracle.Reading:
    """Return the reply as dnspython reads it."""
    reply = cluster.reply(oracle.query(name, rtype), TCP)
    assert reply is not None
    return oracle.read(reply)


def data(rows: tuple[str, ...], rtype: str) -> list[str]:
    """Return the last word of each row of a type."""
    words = [row.split(" ") for row in rows]
    return [row[-1] for row in words if row[3] == rtype]


def addresses_in(folder: Path) -> Iterator[str]:
    """Yield every address that stands in a cluster, whatever it is there for."""
    for text in sorted(set(ADDRESS.findall((folder / "cluster.yaml").read_text("utf-8")))):
        try:
            yield str(ipaddress.ip_address(text))
        except ValueError:
            continue


def services_in(cluster: LoadedScenario) -> Iterator[str]:
    """Yield the names of all Services, in every domain."""
    for zone in cluster.core.view.zones:
        apex = b".".join(zone.apex).decode()
        for key in cluster.core.store.keys(Resource.SERVICES):
            yield f"{key.name}.{key.namespace}.svc.{apex}."


@in_every_scenario
def test_what_an_address_points_at_has_that_address(folder: Path) -> None:
    """CIP-9, PTR-1 to PTR-8: endpoint names exist because pointers name them."""
    cluster = load(folder)
    for address in addresses_in(folder):
        rtype = "AAAA" if ":" in address else "A"
        pointer = ask(cluster, dns.reversename.from_address(address).to_text(), "PTR")
        for target in data(pointer.answer, "PTR"):
            assert address in data(ask(cluster, target, rtype).answer, rtype), target


@in_every_scenario
def test_the_target_of_a_service_record_has_the_addresses_beside_it(folder: Path) -> None:
    """SRV-1, SRV-11: the additional section is what asking again would give."""
    cluster = load(folder)
    for service in services_in(cluster):
        reply = ask(cluster, service, "SRV")
        for target in set(data(reply.answer, "SRV")):
            for rtype in ("A", "AAAA"):
                beside = [row for row in reply.additional if row.startswith(f"{target} ")]
                asked = data(ask(cluster, target, rtype).answer, rtype)
                assert sorted(data(tuple(beside), rtype)) == sorted(asked), target


@in_every_scenario
def test_a_service_that_has_an_address_exists_for_every_type(folder: Path) -> None:
    """RFC 8020, ENT-14: and so does everything above it."""
    cluster = load(folder)
    for service in services_in(cluster):
        if data(ask(cluster, service, "A").answer, "A"):
            name = service
            while name.partition(".")[2]:
                for rtype in ("TXT", "AAAA", "HTTPS", "SOA", "NS"):
                    assert ask(cluster, name, rtype).rcode in {"NOERROR", "REFUSED"}, name
                name = name.partition(".")[2]
