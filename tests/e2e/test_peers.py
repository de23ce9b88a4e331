"""Forwarding to servers of others: dnsmasq, unbound and Knot DNS of Debian's packages.

Rows C of reliability 2.6 that real servers can show; scripted ones in ``tests/upstream`` show the
others, and each of these under control. Lookups are dig's, which judges what it reads.

Knot DNS has the zones. unbound resolves from it, dnsmasq forwards to it, so that all three know the
same, each in its own zone. None of them can be told not to know EDNS (C-13).
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import trustme

from tests.e2e.dnsserver import metric
from tests.e2e.lookups import Lookups
from tests.e2e.peers import Peer, Peers, resolving, running_peers, stub
from tests.e2e.prober import Prober
from tests.e2e.wait import until
from tests.helpers.config_volume import Volume
from tests.helpers.process import serving

pytestmark = pytest.mark.e2e

KNOT, UNBOUND, DNSMASQ = "knot.test.", "unbound.test.", "dnsmasq.test."
ZONES = (KNOT, UNBOUND, DNSMASQ)
MANY = [f"192.0.2.{n}" for n in range(1, 101)]
TEXT = " ".join(f'"{n:02}{"x" * 198}"' for n in range(12))
RECORDS = f"""\
www 300 A 192.0.2.80
www 300 AAAA 2001:db8::80
alias 300 CNAME next
next 200 CNAME www
brief 1 A 192.0.2.81
*.new 300 A 192.0.2.82
text 300 TXT {TEXT}
""" + "".join(f"many 300 A {address}\n" for address in MANY)

CLUSTER = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10], ports: [{port: 80}]}
"""
OURS = "web.shop.svc.cluster.local."

QUICK_S = 0.5
"""A lookup that waited for nobody, on a machine that has other things to do."""

PATIENCE_S = 0.14
"""A little less than what is waited for a silent server before another is asked."""

Start = Callable[..., Lookups]


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    """Start other name servers, which live as long as the tests of this file."""
    with running_peers(tmp_path_factory.mktemp("peers")) as peers:
        yield peers


@pytest.fixture(scope="module")
def knot(peers: Peers) -> Peer:
    """Start Knot DNS with all the zones; two are signed."""
    signed = ("signed.test.", "bogus.test.")
    return peers.knot(dict.fromkeys((*ZONES, *signed), RECORDS), signed=signed)


@pytest.fixture(scope="module")
def trio(peers: Peers, knot: Peer) -> dict[str, Peer]:
    """Start the others, which know what Knot DNS knows; by the zone that each is asked for."""
    unbound = peers.unbound(*resolving(UNBOUND), clauses=stub(UNBOUND, knot))
    dnsmasq = peers.dnsmasq(f"--server=/dnsmasq.test/127.0.0.1#{knot.port}")
    return {KNOT: knot, UNBOUND: unbound, DNSMASQ: dnsmasq}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the manifests that every server of ours has."""
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "cluster.yaml").write_text(CLUSTER)
    return folder


@pytest.fixture
def start(cluster: Path, tmp_path: Path) -> Iterator[Start]:
    """Start servers of ours for one test: ``start("--nameservers=...")``."""
    with ExitStack() as running:

        def begin(*flags: str) -> Lookups:
            server = running.enter_context(serving(tmp_path, f"--manifests={cluster}", *flags))
            server.wait_ready()
            return Lookups(server)

        yield begin


@pytest.fixture(scope="module")
def shared(
    trio: dict[str, Peer], cluster: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lookups]:
    """Start one server for all tests that only look up what the three know."""
    folder, config = tmp_path_factory.mktemp("shared"), tmp_path_factory.mktemp("config")
    stub_domains = {zone.rstrip("."): [str(peer)] for zone, peer in trio.items()}
    (config / "stubDomains").write_text(json.dumps(stub_domains))
    with serving(folder, f"--manifests={cluster}", f"--config-dir={config}") as server:
        server.wait_ready()
        yield Lookups(server)


def new(mark: str, number: int) -> list[str]:
    """Return names that exist and were not asked for before."""
    return [f"{mark}{n}.new.{KNOT}" for n in range(number)]


def serves_the_cluster(ours: Lookups) -> bool:
    """Tell whether a name of the cluster is answered at once, and rightly."""
    said = ours.ask(OURS)
    return said.data == ["10.96.0.10"] and said.seconds < QUICK_S


@pytest.mark.parametrize("zone", ZONES)
def test_what_there_is_comes_from_every_peer(shared: Lookups, zone: str) -> None:
    """Addresses, and a chain of aliases in its order (C-07); over UDP and TCP alike."""
    assert shared.ask(f"www.{zone}").data == ["192.0.2.80"]
    assert shared.ask(f"www.{zone}", "AAAA").data == ["2001:db8::80"]
    assert [(owner, data) for owner, _, _, _, data in shared.ask(f"alias.{zone}").records] == [
        (f"alias.{zone}", f"next.{zone}"),
        (f"next.{zone}", f"www.{zone}"),
        (f"www.{zone}", "192.0.2.80"),
    ]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("question", "status"), [("none A", "NXDOMAIN"), ("www MX", "NOERROR")])
def test_what_there_is_not_is_denied_with_the_soa_and_kept(
    shared: Lookups, trio: dict[str, Peer], zone: str, question: str, status: str
) -> None:
    """C-10: for at most what the SOA says; the second time the peer is not asked."""
    label, qtype = question.split()
    first = shared.ask(f"{label}.{zone}", qtype)
    with trio[zone].silent():
        second = shared.ask(f"{label}.{zone}", qtype)

    for said in (first, second):
        assert said.status == status
        assert [(owner, rtype) for owner, _, _, rtype, _ in said.records] == [(zone, "SOA")]
        assert 0 < said.ttl("SOA") <= 60


def test_a_denial_without_soa_is_passed_on_and_not_kept(peers: Peers, start: Start) -> None:
    """C-10, RFC 2308, 5: dnsmasq says so of domains that it was told are local."""
    ours = start(f"--nameservers={peers.dnsmasq('--local=/test/')}")

    for _ in range(3):
        said = ours.dig("+notcp", "none.test.")
        assert (said.status, said.records) == ("NXDOMAIN", [])

    until(
        partial(metric, ours.server, "cache_misses_total"),
        "each was asked for",
        accept=lambda misses: misses == 3,
    )
    assert metric(ours.server, "cache_entries") == 0


@pytest.mark.parametrize("zone", ZONES)
def test_an_answer_is_kept_and_its_ttl_counts_down(
    shared: Lookups, trio: dict[str, Peer], zone: str
) -> None:
    """C-09, C-21: what is left of it; the peer is not asked meanwhile."""

    def ttl() -> int:
        return shared.ask(f"www.{zone}").ttl("A")

    first = ttl()
    with trio[zone].silent():
        until(ttl, "less is left", accept=lambda left: left < first)
    assert first <= 300


@pytest.mark.parametrize("zone", ZONES)
def test_a_large_answer_is_fetched_over_tcp(shared: Lookups, zone: str) -> None:
    """C-12: 100 addresses, and text of 2.4 kB; a client with little room is told to come by TCP."""
    assert "tc" in shared.dig("+notcp", "+ignore", "+bufsize=512", f"many.{zone}").flags
    assert shared.dig(f"many.{zone}").data == sorted(MANY)
    assert shared.dig("+tcp", f"text.{zone}", "TXT").data == [TEXT]


def test_a_peer_that_refuses_is_passed_over(peers: Peers, knot: Peer, start: Start) -> None:
    """C-11, FWD-6: at once, whatever the order."""
    lines = [f'local-zone: "{zone}" refuse' for zone in (".", "test.")]
    refusing = peers.unbound(*lines), peers.dnsmasq()
    ours = start(f"--nameservers={refusing[0]},{refusing[1]},{knot}")

    assert ours.slowest(new("a", 20)) < QUICK_S


def test_a_peer_that_falls_silent_costs_a_lookup_some_time_and_the_others_none(
    peers: Peers, knot: Peer, start: Start
) -> None:
    """C-15: one of three, whichever it is; were it asked in turn, ten would take longer."""
    second = peers.unbound(*resolving(KNOT), clauses=stub(KNOT, knot))
    third = peers.dnsmasq(f"--server=127.0.0.1#{knot.port}")
    ours = start(f"--nameservers={knot},{second},{third}")
    assert ours.slowest(new("a", 10)) < QUICK_S

    for mark, peer in (("b", second), ("c", third)):
        with peer.silent():
            times = ours.times(new(mark, 30))
        assert max(times) < 1.5
        assert sum(each > PATIENCE_S for each in times) <= 5


def test_where_no_peer_answers_it_is_said_in_time_and_the_cluster_is_served(
    peers: Peers, start: Start
) -> None:
    """C-15, C-16: SERVFAIL with a reason within 5 s; but what has expired comes with EDE 3."""
    only = peers.knot({KNOT: RECORDS})
    ours = start(f"--nameservers={only}")
    assert ours.ask(f"brief.{KNOT}").data == ["192.0.2.81"]

    with only.silent():
        said = until(
            lambda: ours.dig(f"brief.{KNOT}"), "it has expired", accept=lambda said: bool(said.ede)
        )
        assert said.ede.startswith("3 ")
        assert (said.data, said.ttl("A")) == (["192.0.2.81"], 30)
        assert serves_the_cluster(ours)

        said = ours.dig(f"never.{KNOT}")
        assert said.status == "SERVFAIL"
        assert said.ede[:2] in {"22", "23"}
        assert serves_the_cluster(ours)

    until(
        lambda: ours.dig(f"back.new.{KNOT}").status,
        "it is asked again",
        accept=lambda status: status == "NOERROR",
    )


def test_a_peer_without_udp_is_asked_over_tcp(peers: Peers, knot: Peer, start: Start) -> None:
    """C-25; C-26: connections that end, idle ones and all at once, harm nobody."""
    lines = ["do-udp: no", "udp-upstream-without-downstream: yes", "tcp-idle-timeout: 300"]
    only = peers.unbound(*lines, *resolving(KNOT), clauses=stub(KNOT, knot))
    ours = start(f"--nameservers={only}")

    assert ours.slowest(new("a", 20)) < QUICK_S
    peers.restart(only)
    assert ours.slowest(new("b", 5)) < QUICK_S


@pytest.fixture(scope="module")
def validating(peers: Peers, knot: Peer) -> Peer:
    """Start unbound that validates; the key that it was given is that of one of the zones."""
    (key,) = Prober(knot.port).ask("signed.test.", "DNSKEY").data
    zones = ("signed.test.", "bogus.test.")
    anchors = [f'trust-anchor: "{zone} DNSKEY {key}"' for zone in zones]
    clauses = "".join(stub(zone, knot) for zone in zones)
    return peers.unbound(*resolving(*zones), *anchors, clauses=clauses)


def test_dnssec_records_and_bits_pass_and_are_kept_apart(validating: Peer, start: Start) -> None:
    """C-18, FWD-11: DO brings signatures, CD what else is refused; AD is for what was validated."""
    ours = start(f"--nameservers={validating}")
    name, bogus = "www.signed.test.", "www.bogus.test."

    for _ in ("asked", "kept"):
        assert [record[3] for record in ours.dig(name).records] == ["A"]
        signed = ours.dig("+dnssec", name)
        assert [record[3] for record in signed.records] == ["A", "RRSIG"]
        assert "ad" in signed.flags
        assert "ad" in ours.dig("+adflag", name).flags
        assert "ad" not in ours.dig("+noadflag", name).flags
        denied = ours.dig("+dnssec", f"none.{name}")
        assert {"SOA", "NSEC", "RRSIG"} == {record[3] for record in denied.records}

        assert ours.dig(bogus).status == "SERVFAIL"
        unchecked = ours.dig("+cd", "+dnssec", bogus)
        assert [record[3] for record in unchecked.records] == ["A", "RRSIG"]
        assert unchecked.flags & {"ad", "cd"} == {"cd"}


@dataclass(frozen=True, slots=True)
class Certified:
    """A peer that speaks TLS.

    Attributes:
        peer: unbound.
        name: on its certificate.
        authorities: file with the certificate of who has issued that.
    """

    peer: Peer
    name: str
    authorities: Path

    def named(self, name: str) -> str:
        """Return how it is written as an upstream, with the name to expect."""
        return f"tls://{self.peer}#{name}"


@pytest.fixture(scope="module")
def certified(peers: Peers, knot: Peer, tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """Start unbound with a certificate."""
    folder, name = tmp_path_factory.mktemp("certificate"), "dns.example.test"
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    own = authority.issue_cert(name)
    own.private_key_pem.write_to_path(folder / "key.pem")
    own.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    lines = [f'tls-service-key: "{folder}/key.pem"', f'tls-service-pem: "{folder}/cert.pem"']
    lines += resolving(KNOT)
    peer = peers.unbound(*lines, clauses=stub(KNOT, knot), over_tls=True)
    return Certified(peer, name, folder / "ca.pem")


def test_a_peer_is_asked_over_tls_and_its_certificate_is_checked(
    certified: Certified, peers: Peers, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 7858, RFC 8310: by the system's authorities; of another name nothing is asked. C-26."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certified.authorities))
    ours = start(f"--nameservers={certified.named(certified.name)}")
    other = start(f"--nameservers={certified.named('another.example.test')}")

    assert ours.slowest(new("a", 20)) < QUICK_S
    assert ours.ask(f"many.{KNOT}").data == sorted(MANY)
    peers.restart(certified.peer)
    assert ours.slowest(new("b", 5)) < QUICK_S

    said = other.dig(f"www.{KNOT}")
    assert said.status == "SERVFAIL"
    assert said.ede[:2] in {"22", "23"}
    assert serves_the_cluster(other)


def sees_the_loop(ours: Lookups) -> bool:
    """Tell whether a server that is asked in a circle says so at once, and serves its cluster."""
    until(partial(metric, ours.server, "loop_detected_total"), "the loop is found")
    said = ours.dig("www.example.org")
    assert (said.status, said.seconds < QUICK_S) == ("SERVFAIL", True)
    assert said.ede
    assert ours.server.process.poll() is None
    assert ours.server.is_ready()
    return serves_the_cluster(ours)


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    """Return where a server's upstreams can be changed while it runs."""
    folder = tmp_path / "volume"
    folder.mkdir()
    return Volume(folder)


def _upstreams(*upstreams: object) -> str:
    return json.dumps([str(each) for each in upstreams])


def test_two_of_ours_that_forward_to_each_other_see_the_loop(volume: Volume, start: Start) -> None:
    """C-22: SERVFAIL soon, never an end; both answer for the cluster."""
    first = start(f"--config-dir={volume.path}", "--config-period=1s")
    second = start(f"--nameservers=127.0.0.1:{first.server.port}")
    volume.write(upstreamNameservers=_upstreams(f"127.0.0.1:{second.server.port}"))

    assert sees_the_loop(first)
    assert sees_the_loop(second)


def test_a_forwarder_that_sends_everything_back_is_found_and_others_are_asked(
    peers: Peers, knot: Peer, volume: Volume, start: Start
) -> None:
    """C-22: dnsmasq, whose upstream is our server; alone, and beside a good one."""
    ours = start(f"--config-dir={volume.path}", "--config-period=1s")
    back = peers.dnsmasq(f"--server=127.0.0.1#{ours.server.port}", "--cache-size=0")

    volume.write(upstreamNameservers=_upstreams(back))
    assert sees_the_loop(ours)

    volume.write(upstreamNameservers=_upstreams(back, knot))
    until(lambda: str(knot) in ours.server.page("/readyz")[1], "both are in force")
    assert ours.slowest(new("a", 10)) < QUICK_S
