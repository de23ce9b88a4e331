"""Names outside the cluster, as Kubernetes' own tests of the DNS ConfigMap see them (N13 to N16).

The map comes through the API server (``--config-map``) or as the kubelet mounts it
(``--config-dir``); dnsmasq, unbound and Knot DNS are the servers that it names. What one of them
knows, the others do not, so an answer tells who was asked.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.apiclient import ApiClient
from tests.e2e.cluster import Cluster
from tests.e2e.controlplane import ControlPlane
from tests.e2e.dnsserver import dns_servers, fqdn, metric, wait_log
from tests.e2e.manifests import a_service
from tests.e2e.peers import Peer, Peers, running_peers
from tests.e2e.prober import Prober
from tests.e2e.wait import until
from tests.helpers.config_volume import Volume
from tests.helpers.process import ServerProcess

pytestmark = pytest.mark.e2e

MAP = "kube-dns-of-the-test"


@dataclass(frozen=True, slots=True)
class Family:
    """An IP version, and what the servers know of it.

    Attributes:
        qtype: of addresses.
        abc, def_: addresses of names in the stub domain.
        widget: of a name that only the custom upstream knows.
        pointer: the same for ``my.test``, which its pointer leads back to.
        public: of a name that only the node's own server knows, with a pointer as well.
        custom: how the custom upstream is written: its own address is of this family.
    """

    qtype: str
    abc: str
    def_: str
    widget: str
    pointer: str
    public: str
    custom: Callable[[Peer], str]


IPV4 = Family("A", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.123", "8.8.8.8", str)
IPV6 = Family(
    "AAAA",
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8::3",
    "2001:db8::29",
    "2001:4860:4860::8888",
    lambda peer: peer.over_ipv6,
)


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Who may be asked.

    Attributes:
        stub: dnsmasq, for the stub domain alone.
        custom: unbound, for everything.
        node: Knot DNS, what the node would ask.
    """

    stub: Peer
    custom: Peer
    node: Peer


@dataclass(frozen=True, slots=True)
class Configured:
    """A DNS server that follows a map, and the way to write it.

    Attributes:
        server: the real program.
        source: what it calls the map.
        show: makes the map say this.
        remove: has no map any more.
    """

    server: ServerProcess
    source: str
    show: Callable[[dict[str, str]], None]
    remove: Callable[[], None]

    def write(self, **keys: Any) -> None:
        """Write keys as JSON; a text is written as it is."""
        texts = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in keys.items()
        }
        self.show(texts)

    def expect(self, name: str, lines: list[str], qtype: str = "A") -> None:
        """Wait until ``dig +short`` prints just these lines over UDP, and the same over TCP."""
        dig = Prober(self.server.port).dig
        until(
            lambda: dig("+notcp", "+short", *_question(name, qtype)).splitlines(),
            f"dig {name} {qtype} prints {lines}",
            accept=lambda seen: seen == lines,
        )
        assert dig("+tcp", "+short", *_question(name, qtype)).splitlines() == lines

    def readiness(self) -> tuple[int, str]:
        """Return status and text of the readiness page."""
        return self.server.page("/readyz")


def _question(name: str, qtype: str) -> list[str]:
    return ["-x", name] if qtype == "PTR" else [name, qtype]


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    """Start other name servers for the tests of this file."""
    with running_peers(tmp_path_factory.mktemp("peers")) as peers:
        yield peers


@pytest.fixture(scope="module")
def upstreams(peers: Peers) -> Upstreams:
    """Start the three that are asked, each with names of its own."""
    stub = [f"--host-record=abc.acme.local,{IPV4.abc},{IPV6.abc},60"]
    stub += [f"--host-record=def.acme.local,{IPV4.def_},{IPV6.def_},60", "--local=/acme.local/"]
    custom = [
        'local-zone: "." static',
        *_data("widget.local", IPV4.widget, IPV6.widget),
        *_data("my.test", IPV4.pointer, IPV6.pointer),
    ]
    custom += [f'local-data-ptr: "{each.pointer} 60 my.test."' for each in (IPV4, IPV6)]
    node = f"dns.google. A {IPV4.public}\ndns.google. AAAA {IPV6.public}\n"
    node += "8.8.8.8.in-addr.arpa. PTR dns.google.\n"
    node += f"8.8.8.8.{'0.' * 16}0.6.8.4.0.6.8.4.1.0.0.2.ip6.arpa. PTR dns.google.\n"
    return Upstreams(peers.dnsmasq(*stub), peers.unbound(*custom), peers.knot({".": node}))


def _data(name: str, *addresses: str) -> list[str]:
    return [
        f'local-data: "{name}. 60 IN {"AAAA" if ":" in each else "A"} {each}"' for each in addresses
    ]


@pytest.fixture(scope="module", params=["--config-map", "--config-dir"])
def following(
    request: pytest.FixtureRequest,
    control_plane: ControlPlane,
    cluster: Cluster,
    upstreams: Upstreams,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Configured]:
    """Run a server that follows a map in one of the two ways, with the chart's flags for it."""
    way = request.param
    folder = tmp_path_factory.mktemp("volume")
    flags = [f"--nameservers={upstreams.node}"]
    config = {"name": MAP, "read": "watched"}
    if way == "--config-dir":
        config["read"] = "mounted"
        flags += [f"--config-dir={folder}", "--config-period=1s"]
    with dns_servers(control_plane, f"forwarding{way.removeprefix('--')}") as servers:
        server = servers.start(*flags, values={"config": config}, forwards=True)
        if way == "--config-dir":
            yield _mounted(server, folder)
        else:
            yield _watched(server, cluster.api)


def _mounted(server: ServerProcess, folder: Path) -> Configured:
    volume = Volume(folder)
    source = f"--config-dir {folder}"
    # of a map that is gone the kubelet shows an empty volume
    return Configured(server, source, lambda texts: volume.write(**texts), volume.write)


def _watched(server: ServerProcess, api: ApiClient) -> Configured:
    metadata = {"name": MAP, "namespace": "kube-system"}

    def show(texts: dict[str, str]) -> None:
        api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": texts})

    def remove() -> None:
        api.delete("ConfigMap", MAP, "kube-system")

    return Configured(server, f"--config-map {MAP} in kube-system", show, remove)


@pytest.fixture
def configured(following: Configured) -> Iterator[Configured]:
    """Return the server, for one test that begins and ends without a map."""
    yield following
    following.remove()
    until(
        lambda: following.readiness()[1].partition("\n")[2],
        "the node's own server is asked for everything",
        accept=lambda lines: lines.count("127.0.0.1:") == 1 and "NOT" not in lines,
    )


@pytest.mark.parametrize("family", [IPV4, IPV6], ids=["IPv4", "IPv6"])
def test_stub_domains_and_upstreams_follow_the_map(
    configured: Configured, upstreams: Upstreams, family: Family
) -> None:
    """N13, N16: should be able to change stubDomain configuration."""
    configured.expect("abc.acme.local", [], family.qtype)
    stub = {"acme.local": [str(upstreams.stub)]}

    configured.write(stubDomains=stub)
    configured.expect("abc.acme.local", [family.abc], family.qtype)
    configured.expect("dns.google", [family.public], family.qtype)
    configured.expect("widget.local", [], family.qtype)

    configured.write(stubDomains=stub, upstreamNameservers=[family.custom(upstreams.custom)])
    configured.expect("widget.local", [family.widget], family.qtype)
    configured.expect("def.acme.local", [family.def_], family.qtype)
    configured.expect("dns.google", [], family.qtype)

    configured.write(upstreamNameservers=[family.custom(upstreams.custom)])
    configured.expect("abc.acme.local", [], family.qtype)
    configured.expect("widget.local", [family.widget], family.qtype)

    configured.remove()
    configured.expect("widget.local", [], family.qtype)
    configured.expect("abc.acme.local", [], family.qtype)
    configured.expect("dns.google", [family.public], family.qtype)


@pytest.mark.parametrize("family", [IPV4, IPV6], ids=["IPv4", "IPv6"])
def test_pointers_are_asked_of_the_custom_upstream_and_back(
    configured: Configured, upstreams: Upstreams, family: Family
) -> None:
    """N14, N16: should forward PTR records lookup to upstream nameserver."""
    configured.expect(family.public, ["dns.google."], "PTR")
    configured.expect(family.pointer, [], "PTR")

    configured.write(upstreamNameservers=[family.custom(upstreams.custom)])
    configured.expect(family.pointer, ["my.test."], "PTR")
    configured.expect(family.public, [], "PTR")

    configured.remove()
    configured.expect(family.public, ["dns.google."], "PTR")
    configured.expect(family.pointer, [], "PTR")


@pytest.mark.parametrize("family", [IPV4, IPV6], ids=["IPv4", "IPv6"])
def test_an_external_name_is_followed_to_the_custom_upstream(
    configured: Configured, upstreams: Upstreams, family: Family, cluster: Cluster, namespace: str
) -> None:
    """N15, N16: should forward externalname lookup to upstream nameserver; the target comes first.

    What nobody knows keeps its alias: its absence is the target's (EXT-3).
    """
    service = a_service("custom", namespace, type="ExternalName", externalName="my.test")
    cluster.api.create(service)
    service = a_service("public", namespace, type="ExternalName", externalName="dns.google")
    cluster.api.create(service)
    custom, public = (fqdn(f"{name}.{namespace}") for name in ("custom", "public"))
    configured.expect(public, ["dns.google.", family.public], family.qtype)
    configured.expect(custom, ["my.test."], family.qtype)

    configured.write(upstreamNameservers=[family.custom(upstreams.custom)])
    configured.expect(custom, ["my.test.", family.pointer], family.qtype)
    configured.expect(public, ["dns.google."], family.qtype)

    configured.remove()
    configured.expect(public, ["dns.google.", family.public], family.qtype)
    configured.expect(custom, ["my.test."], family.qtype)


def test_an_invalid_map_changes_nothing_and_is_said(
    configured: Configured, upstreams: Upstreams
) -> None:
    """F-29: all or nothing; the last good map stays in force, and page, log and metrics say so."""
    stub = {"acme.local": [str(upstreams.stub)]}
    configured.write(stubDomains=stub)
    configured.expect("abc.acme.local", [IPV4.abc])

    configured.write(stubDomains={}, upstreamNameservers='["not an address"]')
    refusal = f"{configured.source}: NOT in force: upstreamNameservers"
    until(configured.readiness, "the page says no", accept=lambda page: refusal in page[1])
    wait_log(configured.server, f"{configured.source}.*upstreamNameservers.*not an address")
    configured.expect("def.acme.local", [IPV4.def_])
    assert configured.server.is_ready()
    until(lambda: metric(configured.server, "config_valid") == 0, "the metric says no")
    assert metric(configured.server, "config_refusals_total") == 1

    configured.write(stubDomains=stub, upstreamNameservers=[str(upstreams.custom)])
    configured.expect("widget.local", [IPV4.widget])
    configured.expect("def.acme.local", [IPV4.def_])
    assert f"{configured.source}: in force" in configured.readiness()[1]
    until(lambda: metric(configured.server, "config_valid") == 1, "the metric says yes")
