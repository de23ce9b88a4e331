"""Upstreams as operators write them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubedns_py.config.nameserver import NAMESERVER, Nameserver, parse_nameserver
from kubedns_py.errors import UsageError


def refusal(text: str, *, host_names: bool = True) -> str:
    """Return why a text is refused."""
    with pytest.raises(UsageError) as caught:
        parse_nameserver(text, host_names=host_names)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("10.0.0.1", Nameserver("10.0.0.1", 53)),
        ("10.0.0.1:5353", Nameserver("10.0.0.1", 5353)),
        ("10.0.0.1:65535", Nameserver("10.0.0.1", 65535)),
        ("fd00::1", Nameserver("fd00::1", 53)),
        ("FD00:0:0::1", Nameserver("fd00::1", 53)),
        ("[fd00::1]", Nameserver("fd00::1", 53)),
        ("[fd00::1]:5353", Nameserver("fd00::1", 5353)),
        ("fd00::1:5353", Nameserver("fd00::1:5353", 53)),
        ("127.0.0.1", Nameserver("127.0.0.1", 53)),
        ("169.254.169.253", Nameserver("169.254.169.253", 53)),
        ("::ffff:10.0.0.1", Nameserver("10.0.0.1", 53)),
    ],
)
def test_an_address_stands_alone_or_with_its_port(text: str, server: Nameserver) -> None:
    """Behaviour 2.1.3: IP or IP:port."""
    assert parse_nameserver(text, host_names=False) == server


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("10.0.0.1#5353", Nameserver("10.0.0.1", 5353)),
        ("fd00::1#5353", Nameserver("fd00::1", 5353)),
        ("[fd00::1]#5353", Nameserver("fd00::1", 5353)),
    ],
)
def test_the_spelling_of_dnsmasq_is_understood(text: str, server: Nameserver) -> None:
    """Behaviour 2.1.6: kube-dns handed such texts to dnsmasq as they were."""
    assert parse_nameserver(text, host_names=True) == server


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("ns.corp.example", Nameserver("ns.corp.example", 53)),
        ("NS.Corp.Example.:5353", Nameserver("ns.corp.example", 5353)),
        ("dns", Nameserver("dns", 53)),
    ],
)
def test_a_host_name_is_folded(text: str, server: Nameserver) -> None:
    """Behaviour 2.1.3: hostname[:port], for stub domains."""
    assert parse_nameserver(text, host_names=True) == server


@pytest.mark.parametrize("text", ["ns.corp.example", "ns.corp.example:53", "localhost"])
def test_a_host_name_is_refused_where_nobody_could_resolve_it(text: str) -> None:
    """Behaviour 2.1.3: upstreamNameservers take no hostnames."""
    assert refusal(text, host_names=False) == (
        f"'{text}' is not the address of a server; give one like 10.0.0.1, 10.0.0.1:5353, "
        "[fd00::1]:53 or tls://1.1.1.1#one.one.one.one"
    )


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("tls://1.1.1.1#one.one.one.one", Nameserver("1.1.1.1", 853, "one.one.one.one")),
        ("TLS://1.1.1.1:8853#One.Example.", Nameserver("1.1.1.1", 8853, "one.example")),
        ("tls://[fd00::1]:8853#ns.example", Nameserver("fd00::1", 8853, "ns.example")),
        ("tls://fd00::1#ns.example", Nameserver("fd00::1", 853, "ns.example")),
        ("tls://1.1.1.1#1.1.1.1", Nameserver("1.1.1.1", 853, "1.1.1.1")),
    ],
)
def test_tls_comes_with_the_name_in_the_certificate(text: str, server: Nameserver) -> None:
    """RFC 7858, 4.2: without a name to check, anybody may answer."""
    assert parse_nameserver(text, host_names=False) == server


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tls://1.1.1.1", "'tls://1.1.1.1' does not say whose certificate to expect; give it as"),
        ("tls://1.1.1.1#", "'tls://1.1.1.1#' does not say whose certificate to expect"),
        ("tls://1.1.1.1#a_b", "'tls://1.1.1.1#a_b': label 'a_b' may hold only"),
        ("tls://dns.example#dns.example", "is not the address of a server"),
        ("tls://#x", "is not the address of a server"),
        ("https://1.1.1.1", "'https://1.1.1.1' has a scheme that is not known; there is tls://"),
        ("", "'' is not the address of a server; give one like"),
        ("10.0.0", "'10.0.0' is not the address of a server"),
        ("10.0.0.256", "'10.0.0.256' is not the address of a server"),
        ("010.0.0.1", "'010.0.0.1' is not the address of a server"),
        ("10.0.0.1:", "'10.0.0.1:': port '' is not a whole number; give 1 to 65535"),
        ("10.0.0.1:0", "'10.0.0.1:0': port 0 is below 1; give 1 to 65535"),
        ("10.0.0.1#0", "'10.0.0.1#0': port 0 is below 1; give 1 to 65535"),
        ("10.0.0.1:65536", "'10.0.0.1:65536': port 65536 is above 65535; give 1 to 65535"),
        ("10.0.0.1:dns", "'10.0.0.1:dns': port 'dns' is not a whole number"),
        ("[fd00::1", "'[fd00::1' is not the address of a server"),
        ("[fd00::1]53", "'[fd00::1]53' is not the address of a server"),
        ("fd00::1::2", "'fd00::1::2' is not the address of a server"),
        (" 10.0.0.1", "' 10.0.0.1' is not the address of a server"),
        ("fe80::1%eth0", "'fe80::1%eth0': an address of one link only cannot be forwarded to"),
        ("fe80::1", "'fe80::1': an address of one link only cannot be forwarded to"),
        ("0.0.0.0", "'0.0.0.0': the unspecified address is not the address of a server"),
        ("::", "'::': the unspecified address is not the address of a server"),
        ("::ffff:0.0.0.0", "the unspecified address is not the address of a server"),
        ("224.0.0.251", "a multicast address is not the address of a server"),
        ("ff02::fb", "a multicast address is not the address of a server"),
        ("255.255.255.255", "the broadcast address is not the address of a server"),
        ("ns_1.example", "'ns_1.example': label 'ns_1' may hold only a-z, 0-9 and -"),
        ("ns..example", "'ns..example': a label is empty"),
        ("ns\n.example", "label 'ns\\n' may hold only"),
    ],
)
def test_what_cannot_be_a_server_is_refused_with_the_reason(text: str, said: str) -> None:
    """F-29: bad IP; what is wrong, in one line."""
    assert said in refusal(text)


@pytest.mark.parametrize(
    ("server", "text"),
    [
        (Nameserver("10.0.0.1"), "10.0.0.1:53"),
        (Nameserver("fd00::1", 5353), "[fd00::1]:5353"),
        (Nameserver("ns.corp.example"), "ns.corp.example:53"),
        (Nameserver("1.1.1.1", 853, "one.one.one.one"), "tls://1.1.1.1:853#one.one.one.one"),
    ],
)
def test_a_server_is_shown_as_it_can_be_given(server: Nameserver, text: str) -> None:
    """One spelling in logs and metrics."""
    assert str(server) == text
    assert parse_nameserver(text, host_names=True) == server


@example("0.")
@given(st.text(alphabet="0123456789abcdef.:[]#%tls/-_ \n\0", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_server_or_one_printable_line(text: str) -> None:
    """It comes out of ConfigMaps."""
    try:
        server = parse_nameserver(text, host_names=True)
    except UsageError as error:
        said = str(error)
    else:
        said = str(server)
        assert 1 <= server.port <= 65535
        assert parse_nameserver(said, host_names=True) == server
    assert said.isprintable()


def test_the_option_takes_addresses_only() -> None:
    """--nameservers: nobody could resolve a name for it."""
    assert NAMESERVER.read("10.0.0.1") == Nameserver("10.0.0.1")
    with pytest.raises(UsageError):
        NAMESERVER.read("ns.corp.example")
