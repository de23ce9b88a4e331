"""kube-dns's ConfigMap: what is accepted, what is refused, and that it is all or nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.config.dynamic import Dynamic, read_dynamic
from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.name import from_text
from kubedns_py.errors import BadConfiguration

OURS = (from_text("cluster.local"),)


def read(**data: str) -> Dynamic:
    """Read data given by keyword."""
    return read_dynamic(data, cluster_domains=OURS)


def refusal(**data: str) -> str:
    """Return why data is refused."""
    with pytest.raises(BadConfiguration) as caught:
        read(**data)
    return str(caught.value)


def test_no_data_is_the_default() -> None:
    """Behaviour 2.1.3: a deleted or empty map returns to defaults."""
    assert read() == Dynamic({}, ())
    assert read().notices == ()


@pytest.mark.parametrize("empty", ["", " \n", "null"])
def test_a_key_without_a_value_is_not_given(empty: str) -> None:
    """Charts render empty values; Go reads null as nothing."""
    found = read(stubDomains=empty, upstreamNameservers=empty)

    assert found == Dynamic({}, ())
    assert found.notices == ()


def test_the_example_of_the_documentation_is_read() -> None:
    """N13: stub domains and upstream nameservers together, as kubernetes.io shows them."""
    found = read(
        stubDomains='{"acme.local": ["1.2.3.4"], "Widget.Local.": ["ns.widget.example:5353"]}',
        upstreamNameservers='["8.8.8.8", "8.8.4.4:5353"]',
    )

    assert found.stub_domains == {
        (b"acme", b"local"): (Nameserver("1.2.3.4"),),
        (b"widget", b"local"): (Nameserver("ns.widget.example", 5353),),
    }
    assert found.upstream_nameservers == (Nameserver("8.8.8.8"), Nameserver("8.8.4.4", 5353))
    assert found.notices == ()


@pytest.mark.parametrize("domain", ["svc.cluster.local", "local", "10.in-addr.arpa"])
def test_a_stub_domain_may_lie_inside_or_above_ours(domain: str) -> None:
    """Issue: inside or above the cluster domain or a reverse zone."""
    found = read(stubDomains=json.dumps({domain: ["10.0.0.1"]}))

    assert found.stub_domains == {from_text(domain): (Nameserver("10.0.0.1"),)}


def test_more_upstreams_than_kube_dns_takes_are_accepted_up_to_fifteen() -> None:
    """FWD-3: at most 15; kube-dns refuses the fourth."""
    fifteen = [f"10.0.0.{number}" for number in range(1, 16)]

    assert len(read(upstreamNameservers=json.dumps(fifteen)).upstream_nameservers) == 15
    assert refusal(upstreamNameservers=json.dumps([*fifteen, "10.0.0.99"])) == (
        "upstreamNameservers: 16 are too many; 15 fit"
    )


def test_a_server_that_stands_there_twice_is_asked_once() -> None:
    """Two spellings of one server are no second server."""
    found = read(upstreamNameservers='["10.0.0.1", "10.0.0.1:53", "[fd00::1]", "FD00::1"]')

    assert found.upstream_nameservers == (Nameserver("10.0.0.1"), Nameserver("fd00::1"))


def test_upstreams_may_be_asked_over_tls() -> None:
    """Issue: tls://ip:port#name."""
    found = read(upstreamNameservers='["tls://1.1.1.1#one.one.one.one"]')

    assert found.upstream_nameservers == (Nameserver("1.1.1.1", 853, "one.one.one.one"),)
    assert found.notices == ()


def test_the_spelling_of_dnsmasq_is_read_and_said() -> None:
    """Behaviour 2.1.6: kube-dns handed stub domains to dnsmasq as they were."""
    found = read(stubDomains='{"acme.local": ["10.0.0.1#5353"]}')

    assert found.stub_domains == {(b"acme", b"local"): (Nameserver("10.0.0.1", 5353),)}
    assert found.notices == ("stubDomains: 'acme.local': '10.0.0.1#5353' is read as 10.0.0.1:5353",)


def test_a_stub_domain_without_a_server_is_passed_over_as_kube_dns_did() -> None:
    """Behaviour 2.1.6: it became no line of dnsmasq, so its names went the way of all."""
    found = read(stubDomains='{"acme.local": [], "b.local": null}')

    assert found.stub_domains == {}
    assert found.notices == (
        "stubDomains: 'acme.local': no server; its names go where all others go",
        "stubDomains: 'b.local': no server; its names go where all others go",
    )


def test_federations_and_unknown_keys_are_passed_over_with_a_notice() -> None:
    """Behaviour 2.1.3: unknown keys are ignored; federations are deprecated."""
    found = read(
        federations="a=b.example", stubDomain="{}", upstreamNameservers='["10.0.0.1"]', Z="\n"
    )

    assert found.upstream_nameservers == (Nameserver("10.0.0.1"),)
    assert found.notices == (
        "federations: not served; it is passed over",
        "keys that are not known are passed over: 'Z', 'stubDomain'",
    )


def test_a_thousand_unknown_keys_are_one_short_line() -> None:
    """Reliability 4.3: one event, one line."""
    (notice,) = read(**{f"k{number:04}": "" for number in range(1000)}).notices

    assert notice.endswith("'k0003', 'k0004' and 995 more")


@pytest.mark.parametrize(
    ("stubs", "said"),
    [
        ("{", "stubDomains: not JSON: Expecting property name enclosed in double quotes: line 1"),
        ("acme.local=1.2.3.4", "stubDomains: not JSON: Expecting value: line 1 column 1"),
        ("[" * 100_000, "stubDomains: not JSON: it cannot be read"),
        ("9" * 10_000, "stubDomains: not JSON: it cannot be read"),
        ('["1.2.3.4"]', 'stubDomains: not a JSON object; give it like {"corp.example":'),
        ('"x"', "stubDomains: not a JSON object"),
        ('{"a.b": "1.2.3.4"}', "stubDomains: 'a.b': not a JSON list; give it like"),
        ('{"a.b": [1]}', "stubDomains: 'a.b': a server is not a text in quotes"),
        ('{"a.b": ["1.2.3.400"]}', "stubDomains: 'a.b': '1.2.3.400' is not the address of"),
        ('{"a.b": ["1.2.3.4:0"]}', "stubDomains: 'a.b': '1.2.3.4:0': port 0 is below 1"),
        ('{"a.b": ["ns_1.x"]}', "stubDomains: 'a.b': 'ns_1.x': label 'ns_1' may hold only"),
        ('{"": ["1.2.3.4"]}', "stubDomains: '' is no domain; for all names use upstreamNames"),
        ('{".": ["1.2.3.4"]}', "stubDomains: '.' is no domain; for all names use upstreamNames"),
        ('{"a_b.c": ["1.2.3.4"]}', "stubDomains: 'a_b.c': label 'a_b' may hold only"),
        (json.dumps({"x" * 64: []}), "a label has 64 characters; 63 fit"),
        (json.dumps({".".join(["x" * 63] * 4): []}), "255 characters are too long for a name"),
        ('{"Cluster.Local.": []}', "stubDomains: 'Cluster.Local.' is the cluster's own domain"),
        ('{"a.b": [], "A.B.": []}', "stubDomains: 'A.B.' stands there twice"),
        ('{"a.b": [], "a.b": []}', "stubDomains: 'a.b' stands there twice"),
    ],
)
def test_a_stub_domain_that_is_none_is_refused_with_key_and_reason(stubs: str, said: str) -> None:
    """F-29: bad JSON, bad IP, a label of 64 characters."""
    assert said in refusal(stubDomains=stubs)


@pytest.mark.parametrize(
    ("upstreams", "said"),
    [
        ('{"a.b": ["1.2.3.4"]}', "upstreamNameservers: not a JSON list; give it like"),
        ('"8.8.8.8"', "upstreamNameservers: not a JSON list"),
        ('["dns.google"]', "upstreamNameservers: 'dns.google' is not the address of a server"),
        ('["8.8.8.8:0"]', "upstreamNameservers: '8.8.8.8:0': port 0 is below 1"),
        ('["8.8.8.8", null]', "upstreamNameservers: a server is not a text in quotes"),
        ('["\\ud800"]', "upstreamNameservers: '\\ud800' is not the address of a server"),
    ],
)
def test_an_upstream_that_is_none_is_refused_with_key_and_reason(upstreams: str, said: str) -> None:
    """F-29; behaviour 2.1.3: hostnames refused, ports 1 to 65535."""
    assert said in refusal(upstreamNameservers=upstreams)


def test_one_bad_key_refuses_the_good_one_too() -> None:
    """F-29: all or nothing."""
    assert refusal(stubDomains='{"acme.local": ["1.2.3.4"]}', upstreamNameservers='["x"]') == (
        "upstreamNameservers: 'x' is not the address of a server; give one like 10.0.0.1, "
        "10.0.0.1:5353, [fd00::1]:53 or tls://1.1.1.1#one.one.one.one"
    )


def test_more_than_a_config_map_holds_is_refused() -> None:
    """F-29: 1 MB."""
    assert read(x="y" * (1024 * 1024 - 1)) == Dynamic()
    assert refusal(x="y" * 1024 * 1024) == "1024 KiB fit in all, and this is more"


def test_what_is_in_force_is_shown_in_one_line() -> None:
    """Issue: the result is visible in the log."""
    found = read(stubDomains='{"a.b": ["1.2.3.4"]}', upstreamNameservers='["8.8.8.8","fd00::1"]')

    assert str(found) == "stub domains: 1, upstream nameservers: 8.8.8.8:53 [fd00::1]:53"
    assert str(Dynamic()) == "stub domains: 0, upstream nameservers: none"


def test_notices_do_not_make_two_values_differ() -> None:
    """An unknown key is no reason to make routes anew."""
    assert read(x="") == read()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["stubDomains", "upstreamNameservers", "federations", "x"]),
        st.text(max_size=30) | JSON.map(json.dumps),
    )
)
def test_any_data_is_a_value_or_one_printable_line(data: dict[str, str]) -> None:
    """F-29: whatever a ConfigMap holds."""
    try:
        said = [str(read(**data)), *read(**data).notices]
    except BadConfiguration as error:
        said = [str(error)]
    assert all(line.isprintable() for line in said)
