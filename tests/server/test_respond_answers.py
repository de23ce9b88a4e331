"""Answers too large for a text file, and what truncation and rotation do to them.

reliability 2.3 (A-04 to A-06), behaviour T-58, T-59, ENV-10, ENV-16, ENV-17, HDL-14, SRV-16.
The other A rows are scenarios: A-01 in 1.3, A-02 in 1.3, A-03 in 1.0, A-07 in 1.10, A-08 in 1.5,
A-09 in 1.6, A-10 in 1.8, A-11 in 1.9, A-12 in 1.0 and 1.2.
"""

import functools
import ipaddress
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from kubedns_py.cluster.objects import Address
from kubedns_py.server.arrival import IPV4, IPV6, Arrival
from tests.helpers import oracle
from tests.helpers.scenario import LoadedScenario, put_together

UDP = Arrival("udp", IPV4, Address(b"\x7f\0\0\1"))
TCP = Arrival("tcp", IPV4, Address(b"\x7f\0\0\1"))
PLAIN_UDP = 512
EDNS_UDP = 1232
LARGEST = 65535
BIG = "big.shop.svc.cluster.local."
ENDPOINTS_PER_SLICE = 1000


def address(number: int) -> str:
    """Return the IPv4 address of the numbered endpoint."""
    return str(ipaddress.IPv4Address("10.64.0.0") + number)


def address6(number: int) -> str:
    """Return the IPv6 address of the numbered endpoint."""
    return str(ipaddress.IPv6Address("fd00:64::") + number)


def headless(name: str, endpoints: Iterable[Mapping[str, Any]], **slice_: object) -> list[Any]:
    """Return a headless Service with endpoints, in slices as the control plane cuts them."""
    rows = list(endpoints)
    service = {
        "kind": "Service",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"clusterIP": "None", "clusterIPs": ["None"]},
    }
    return [
        service,
        *(
            {
                "kind": "EndpointSlice",
                "metadata": {
                    "name": f"{name}-{start}",
                    "namespace": "shop",
                    "labels": {"kubernetes.io/service-name": name},
                },
                "addressType": "IPv4",
                "endpoints": rows[start : start + ENDPOINTS_PER_SLICE],
                "ports": [{"name": "http", "protocol": "TCP", "port": 8080}],
                **slice_,
            }
            for start in range(0, len(rows), ENDPOINTS_PER_SLICE)
        ),
    ]


@functools.cache
def of_size(count: int, *flags: str) -> LoadedScenario:
    """Return a cluster with one headless Service of so many IPv4 endpoints."""
    return put_together(headless("big", ({"addresses": [address(n)]} for n in range(count))), flags)


@functools.cache
def of_size6(count: int) -> LoadedScenario:
    """Return a cluster with one headless Service of so many IPv6 endpoints."""
    endpoints = ({"addresses": [address6(n)]} for n in range(count))
    return put_together(headless("big", endpoints, addressType="IPv6"))


def ask(
    cluster: LoadedScenario,
    arrival: Arrival,
    rtype: str = "A",
    *,
    edns: int | None = None,
    name: str = BIG,
) -> oracle.Reading:
    """Return the reply as dnspython reads it."""
    reply = cluster.respond(oracle.query(name, rtype, edns=edns), arrival)
    assert isinstance(reply, bytes)
    return oracle.read(reply)


def addresses(reading: oracle.Reading) -> list[str]:
    """Return the addresses of the answer, all of which are the big Service's."""
    rows = [row.split(" ") for row in reading.answer]
    assert all(row[:3] == [BIG, "30", "IN"] for row in rows)
    return [row[4] for row in rows]


# -- over UDP


@pytest.mark.parametrize(
    ("edns", "limit"), [(None, PLAIN_UDP), (EDNS_UDP, EDNS_UDP), (4096, EDNS_UDP)]
)
@pytest.mark.parametrize("count", [250, 1000, 5000])
def test_a_large_set_is_truncated_over_udp(count: int, edns: int | None, limit: int) -> None:
    """T-58, A-04: whole records of the set, each once, within the limit, with TC and OPT."""
    reading = ask(of_size(count), UDP, edns=edns)
    found = addresses(reading)
    assert reading.rcode == "NOERROR"
    assert {"AA", "TC"} <= reading.flags
    assert reading.size <= limit
    assert reading.authority == reading.additional == ()
    assert (reading.edns is None) == (edns is None)
    assert len(set(found)) == len(found)
    assert set(found) <= {address(number) for number in range(count)}


def test_a_set_that_just_fits_is_not_truncated() -> None:
    """ENV-15: 512 octets hold the header, the question of 32 octets and 29 addresses."""
    reading = ask(of_size(29), UDP)
    assert reading.size == 12 + 32 + 29 * 16 == 508
    assert "TC" not in reading.flags
    assert len(reading.answer) == 29


def test_a_set_that_just_does_not_fit_is_truncated() -> None:
    """ENV-16: the thirtieth address would be at octet 524."""
    reading = ask(of_size(30), UDP)
    assert "TC" in reading.flags
    assert reading.size <= PLAIN_UDP


def test_the_additional_section_is_dropped_without_truncation() -> None:
    """ENV-16, SRV-19: the answer is whole, so nothing has to be asked again."""
    hosts = ({"addresses": [address(n)], "hostname": f"h{n}"} for n in range(8))
    reading = ask(put_together(headless("big", hosts)), UDP, "SRV")
    assert "TC" not in reading.flags
    assert len(reading.answer) == 8
    assert len(reading.additional) < 8
    assert reading.size <= PLAIN_UDP


def test_no_part_of_an_address_set_is_left_in_the_additional_section() -> None:
    """ENV-16, RFC 2181, 9: an RRset that does not fit is left out whole."""
    shared = ({"addresses": [address(n)], "hostname": "node"} for n in range(60))
    reading = ask(put_together(headless("big", shared)), UDP, "SRV")
    assert "TC" not in reading.flags
    assert reading.answer == (f"{BIG} 30 IN SRV 0 100 8080 node.{BIG}",)
    assert reading.additional == ()


# -- over TCP


@pytest.mark.parametrize("count", [250, 1000, 4000])
def test_a_large_set_is_whole_over_tcp(count: int) -> None:
    """T-59, A-05: a message of more than 16 KiB decodes."""
    reading = ask(of_size(count), TCP)
    assert "TC" not in reading.flags
    assert sorted(addresses(reading)) == sorted(address(number) for number in range(count))


@pytest.mark.parametrize(
    ("cluster", "rtype", "count", "fits"),
    [(of_size, "A", 5000, 4085), (of_size6, "AAAA", 3000, 2335)],
)
def test_a_set_that_no_message_holds_is_cut_over_tcp(
    cluster: Any, rtype: str, count: int, fits: int
) -> None:
    """T-59, A-05, ENV-17: as many whole records as fit, each once, and TC stays clear."""
    reading = ask(cluster(count), TCP, rtype, edns=EDNS_UDP)
    found = addresses(reading)
    assert reading.rcode == "NOERROR"
    assert "TC" not in reading.flags
    assert reading.edns is not None
    assert LARGEST - 28 < reading.size <= LARGEST
    assert fits <= len(found) == len(set(found)) < count


def test_what_is_cut_is_not_always_the_same() -> None:
    """A-05: a rotating subset, so that every endpoint is reached sooner or later."""
    one, other = (set(addresses(ask(of_size(5000), TCP))) for _ in range(2))
    assert one != other


def test_service_records_of_a_large_set_decode() -> None:
    """T-59: names stand past the last offset that a compression pointer reaches."""
    reading = ask(of_size(700), TCP, "SRV")
    assert "TC" not in reading.flags
    assert reading.size > 0x3FFF * 2
    assert len(reading.answer) == 700
    targets = {row.split(" ")[-1] for row in reading.answer}
    assert targets == {f"{address(n).replace('.', '-')}.{BIG}" for n in range(700)}
    glue = dict(row.split(" ")[::4] for row in reading.additional)
    assert glue == {f"{address(n).replace('.', '-')}.{BIG}": address(n) for n in range(700)}


def test_names_past_the_reach_of_a_pointer_are_written_out() -> None:
    """RFC 1035, 4.1.4: 14 bits; the owners of A are those of AAAA, far behind octet 16383."""
    count = 400
    four = [{"addresses": [address(n)], "hostname": f"h{n}"} for n in range(count)]
    six = [{"addresses": [address6(n)], "hostname": f"h{n}"} for n in range(count)]
    second = headless("big", six, addressType="IPv6")[1]
    second["metadata"]["name"] = "big-six"
    reading = ask(put_together([*headless("big", four), second]), TCP, "SRV")
    assert reading.size > 0x3FFF * 2
    assert sorted(reading.additional) == sorted(
        f"h{n}.{BIG} 30 IN {data}"
        for n in range(count)
        for data in (f"A {address(n)}", f"AAAA {address6(n)}")
    )


@pytest.mark.parametrize(
    ("count", "weight"), [(99, "1"), (100, "1"), (101, "1"), (150, "1"), (51, "1"), (50, "2")]
)
def test_no_weight_is_zero(count: int, weight: str) -> None:
    """SRV-16: floor(100/n), at least 1; RFC 2782 gives weight 0 a meaning of its own."""
    reading = ask(of_size(count), TCP, "SRV")
    assert {row.split(" ")[5] for row in reading.answer} == {weight}


# -- which come first


def test_every_endpoint_comes_first_equally_often() -> None:
    """ENV-10, A-04: over as many questions as there are endpoints, or a multiple."""
    cluster = of_size(20)
    first = Counter(addresses(ask(cluster, TCP))[0] for _ in range(200))
    assert set(first.values()) == {10}


def test_what_is_left_of_a_truncated_set_is_fair() -> None:
    """A-04: chi-squared over the addresses that 250 truncated replies hold."""
    cluster = of_size(250)
    seen = Counter(row for _ in range(250) for row in addresses(ask(cluster, UDP)))
    expected = seen.total() / 250
    chi_squared = sum((seen[address(n)] - expected) ** 2 / expected for n in range(250))
    assert chi_squared < 330.5  # 249 degrees of freedom, p = 0.0004


def test_the_order_can_be_kept() -> None:
    """ENV-10: --answer-order stable."""
    cluster = put_together(
        headless("big", ({"addresses": [address(n)]} for n in range(9))), ["--answer-order=stable"]
    )
    assert len({ask(cluster, TCP).answer for _ in range(20)}) == 1


def test_the_number_of_answers_can_be_bounded() -> None:
    """HDL-14: a changing subset of whole records, without TC, over either transport."""
    cluster = of_size(100, "--max-answers=5")
    replies = [addresses(ask(cluster, arrival)) for arrival in (UDP, TCP) for _ in range(100)]
    assert {len(found) for found in replies} == {5}
    assert {row for found in replies for row in found} == {address(n) for n in range(100)}
    assert "TC" not in ask(cluster, UDP).flags


# -- aliases


def chain(length: int, end: str) -> LoadedScenario:
    """Return a cluster with a chain of so many ExternalName Services that ends at a name."""
    targets = [f"a{n}.shop.svc.cluster.local" for n in range(1, length)] + [end]
    return put_together(
        {
            "kind": "Service",
            "metadata": {"name": f"a{n}", "namespace": "shop"},
            "spec": {"type": "ExternalName", "externalName": target},
        }
        for n, target in enumerate(targets)
    )


@pytest.mark.parametrize("arrival", [UDP, TCP], ids=["udp", "tcp"])
def test_a_chain_of_eight_aliases_is_followed(arrival: Arrival) -> None:
    """EXT-8."""
    cluster = chain(8, "10-1-1-1.shop.pod.cluster.local")
    reading = ask(cluster, arrival, name="a0.shop.svc.cluster.local.", edns=EDNS_UDP)
    assert reading.rcode == "NOERROR"
    assert len(reading.answer) == 9
    assert reading.answer[-1] == "10-1-1-1.shop.pod.cluster.local. 30 IN A 10.1.1.1"


@pytest.mark.parametrize("length", [12, 20, 200])
def test_a_longer_chain_ends(length: int) -> None:
    """A-06, EXT-8: at most eleven, then SERVFAIL that says why."""
    cluster = chain(length, "10-1-1-1.shop.pod.cluster.local")
    reading = ask(cluster, UDP, name="a0.shop.svc.cluster.local.", edns=EDNS_UDP)
    assert reading.rcode == "SERVFAIL"
    assert len(reading.answer) <= 11
    assert reading.edns is not None
    ((code, text),) = reading.edns.errors
    assert code == 0
    assert text


@pytest.mark.parametrize("length", [1, 2, 3, 9, 30])
def test_a_circle_of_any_length_is_an_error(length: int) -> None:
    """A-06, EXT-9, T-38: without recursion."""
    cluster = chain(length, "a0.shop.svc.cluster.local")
    for rtype in ("A", "AAAA", "TXT", "SRV", "HTTPS"):
        reading = ask(cluster, UDP, rtype, name="a0.shop.svc.cluster.local.", edns=EDNS_UDP)
        assert reading.rcode == "SERVFAIL"
        assert reading.size <= EDNS_UDP


def test_an_alias_to_a_truncated_set_comes_first() -> None:
    """T-58, EXT-6: the alias and as many addresses as fit, with TC."""
    alias = {
        "kind": "Service",
        "metadata": {"name": "alias", "namespace": "shop"},
        "spec": {"type": "ExternalName", "externalName": BIG},
    }
    endpoints = ({"addresses": [address(n)]} for n in range(300))
    cluster = put_together([alias, *headless("big", endpoints)])
    reading = ask(cluster, UDP, name="alias.shop.svc.cluster.local.")
    assert {"AA", "TC"} <= reading.flags
    assert reading.size <= PLAIN_UDP
    assert reading.answer[0] == f"alias.shop.svc.cluster.local. 30 IN CNAME {BIG}"
    whole = ask(cluster, TCP, name="alias.shop.svc.cluster.local.")
    assert len(whole.answer) == 301


# -- the name server's own address


def test_the_name_server_has_the_ipv6_address_that_was_asked_at() -> None:
    """APX-5: without a DNS Service."""
    arrival = Arrival("udp", IPV6, Address(ipaddress.ip_address("fd00::53").packed))
    reading = ask(put_together([]), arrival, "NS", name="cluster.local.")
    assert reading.answer == ("cluster.local. 30 IN NS ns.dns.cluster.local.",)
    assert reading.additional == ("ns.dns.cluster.local. 30 IN AAAA fd00::53",)


def test_the_name_server_may_have_no_known_address() -> None:
    """APX-5: the name exists all the same."""
    unknown = Arrival("udp", IPV4, Address(b""))
    reading = ask(put_together([]), unknown, "NS", name="cluster.local.")
    assert reading.answer == ("cluster.local. 30 IN NS ns.dns.cluster.local.",)
    assert reading.additional == ()
    assert ask(put_together([]), unknown, "A", name="ns.dns.cluster.local.").rcode == "NOERROR"
