"""How the text of an option becomes a value, and what is said when it does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.config import values
from kubedns_py.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("5s", 5),
        ("500ms", 0.5),
        ("1m30s", 90),
        ("1h", 3600),
        ("1h0m0.5s", 3600.5),
        (".5s", 0.5),
        ("1.s", 1),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("100ns", 1e-7),
        ("30s1m", 90),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text: str, seconds: float) -> None:
    """kube-dns's flags are Go durations (ecosystem 6.1)."""
    assert values.parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["60", "1.5", "007"])
def test_a_bare_number_is_no_duration_and_the_unit_is_suggested(text: str) -> None:
    """Go's ParseDuration: "missing unit in duration"."""
    with pytest.raises(UsageError, match=rf"^'{text}' has no unit; give it as {text}s"):
        values.parse_duration(text)


@pytest.mark.parametrize("text", ["", "s", "1 s", "-1s", "+1s", "1d", "1s2", ".s", "1S", "\u0661s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Go's ParseDuration; a sign has no meaning in any of our options."""
    with pytest.raises(UsageError):
        values.parse_duration(text)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("cluster.local", "cluster.local."),
        ("cluster.local.", "cluster.local."),
        ("Cluster.LOCAL", "cluster.local."),
        ("a", "a."),
        ("1.2", "1.2."),
        ("xn--bcher-kva.example", "xn--bcher-kva.example."),
        ("x" * 63 + ".local", "x" * 63 + ".local."),
        (".".join(["x" * 63] * 3 + ["y" * 50]), ".".join(["x" * 63] * 3 + ["y" * 50]) + "."),
    ],
)
def test_a_domain_is_folded_and_gets_its_last_dot(text: str, domain: str) -> None:
    """kube-dns --domain (behaviour 2.1.2); RFC 1123, 2.1."""
    assert values.parse_domain(text) == domain


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is no domain: the root cannot be served"),
        (".", "'.' is no domain: the root cannot be served"),
        ("..", "'..': a label is empty"),
        ("a..b", "'a..b': a label is empty"),
        (".local", "'.local': a label is empty"),
        ("x" * 64, f"'{'x' * 64}': a label has 64 characters; 63 fit"),
        (".".join(["x" * 63] * 4), "255 characters are too long for a domain; 242 fit"),
        ("-a.b", "label '-a' may hold only a-z, 0-9 and -, and no - at either end"),
        ("a-.b", "label 'a-' may hold only a-z, 0-9 and -, and no - at either end"),
        ("a_b.c", "label 'a_b' may hold only a-z, 0-9 and -, and no - at either end"),
        ("a\\.b", "label 'a\\\\' may hold only a-z, 0-9 and -, and no - at either end"),
        ("b\u00fccher.example", "may hold only a-z, 0-9 and -"),
        ("cluster.local\n", "label 'local\\n' may hold only a-z, 0-9 and -"),
    ],
)
def test_what_is_no_domain_is_refused_with_the_reason(text: str, said: str) -> None:
    """RFC 1123, 2.1; RFC 1035, 2.3.4; kube-dns validates each label."""
    with pytest.raises(UsageError) as refusal:
        values.parse_domain(text)

    assert said in str(refusal.value)


@given(st.text())
def test_a_domain_that_is_accepted_has_only_labels_that_can_be_served(text: str) -> None:
    """RFC 1123, 2.1, whatever the text."""
    try:
        domain = values.parse_domain(text)
    except UsageError:
        return
    labels = domain.removesuffix(".").split(".")
    assert all(1 <= len(label) <= 63 and label.isascii() for label in labels)
    assert values.parse_domain(domain) == domain


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0.0.0.0", "0.0.0.0"),
        ("::", "::"),
        ("[::1]", "::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_an_address_gets_its_canonical_spelling(text: str, address: str) -> None:
    """RFC 5952."""
    assert values.parse_address(text) == address


@pytest.mark.parametrize("text", ["", "localhost", "127.0.0.1:53", "[::1", "1.2.3", "010.0.0.1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """A name or a port does not belong into --dns-bind-address."""
    with pytest.raises(UsageError, match=r"is not an IP address; give one like 0\.0\.0\.0 or ::"):
        values.parse_address(text)


@pytest.mark.parametrize(
    ("text", "network"),
    [("10.96.0.0/12", "10.96.0.0/12"), ("FD00::/108", "fd00::/108"), ("10.0.0.1", "10.0.0.1/32")],
)
def test_a_network_gets_its_canonical_spelling(text: str, network: str) -> None:
    """RFC 4632, RFC 5952."""
    assert values.parse_cidr(text) == network


def test_bits_beyond_the_prefix_are_refused_with_the_network_that_was_meant() -> None:
    """10.96.0.1/12 is one machine's address, not a range."""
    with pytest.raises(UsageError, match=r"beyond the prefix; was 10\.96\.0\.0/12 meant\?"):
        values.parse_cidr("10.96.0.1/12")


@pytest.mark.parametrize("text", ["", "10.96.0.0/33", "fd00::/129", "ten", "10.0.0.0/8/8"])
def test_what_is_no_network_is_refused(text: str) -> None:
    """The message shows what to give."""
    with pytest.raises(UsageError, match=r"give one like 10\.96\.0\.0/12 or fd00::/108"):
        values.parse_cidr(text)


@pytest.mark.parametrize("text", ["", "https://10.0.0.1:6443", "http://[::1]:8080/prefix"])
def test_the_url_of_an_api_server_stays_as_given(text: str) -> None:
    """kube-dns --kube-master-url; empty means not given."""
    assert values.parse_url(text) == text


@pytest.mark.parametrize(
    "text", ["10.0.0.1:6443", "https://", "ftp://x", "https://x:99999", "https://[", "https://x\n"]
)
def test_what_is_no_url_is_refused(text: str) -> None:
    """kube-dns demands a scheme and a host, too."""
    with pytest.raises(UsageError, match="is not a URL; give one like https://"):
        values.parse_url(text)


@pytest.mark.parametrize(
    ("text", "truth"),
    [("true", True), ("1", True), ("T", True), ("TRUE", True), ("false", False), ("0", False)],
)
def test_a_boolean_has_gos_spellings(text: str, truth: bool) -> None:  # noqa: FBT001 - a table
    """Go's strconv.ParseBool, which kube-dns's flags use."""
    assert values.parse_boolean(text) is truth


@pytest.mark.parametrize("text", ["", "yes", "on", "2"])
def test_what_is_no_boolean_is_refused(text: str) -> None:
    """Go's strconv.ParseBool."""
    with pytest.raises(UsageError, match="is neither true nor false"):
        values.parse_boolean(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("4000", "4000 is above 3600; give 0 to 3600"),
        ("-1", "-1 is below 0; give 0 to 3600"),
        ("1.5", "'1.5' is not a whole number; give 0 to 3600"),
        ("", "'' is not a whole number; give 0 to 3600"),
        ("\u0665", "'\u0665' is not a whole number; give 0 to 3600"),
        ("9" * 5000, "is not a whole number; give 0 to 3600"),
    ],
)
def test_a_number_out_of_range_is_refused_with_the_range(text: str, said: str) -> None:
    """Bad input gets one clear line: what is wrong, what to do."""
    with pytest.raises(UsageError) as refusal:
        values.whole(0, 3600).read(text)

    assert said in str(refusal.value)
    assert len(str(refusal.value)) < 200


def test_a_list_drops_blanks_empty_parts_and_repetitions_and_keeps_its_order() -> None:
    """Comma lists of kube-dns's flags."""
    assert values.many(values.NAMESPACE).read(" b, a,,b ,") == ("b", "a")
    assert values.many(values.NAMESPACE).read("") == ()


@pytest.mark.parametrize("text", [",", " , ", ",,"])
def test_a_list_of_commas_alone_is_refused(text: str) -> None:
    """A template that forgot its values; nobody writes that to say "none"."""
    with pytest.raises(UsageError, match="names nothing; give the name of a namespace; several"):
        values.many(values.NAMESPACE).read(text)


def test_a_list_that_must_not_be_empty_says_so() -> None:
    """A server without a domain or an address serves nobody."""
    with pytest.raises(UsageError, match="'' is empty; give a domain of RFC 1123 labels"):
        values.at_least_one(values.DOMAIN).read("")


@pytest.mark.parametrize("text", ["kube-dns", "a/b/c", "/x", "x/", "A/b", "a/b\n"])
def test_a_service_is_named_with_its_namespace(text: str) -> None:
    """--dns-service."""
    with pytest.raises(UsageError, match="is not a Service; give it as namespace/name"):
        values.parse_service(text)


def test_a_namespace_that_cannot_exist_is_refused() -> None:
    """Names of namespaces are RFC 1123 labels."""
    assert values.parse_namespace("kube-system") == "kube-system"
    with pytest.raises(UsageError, match="'Prod' is not the name of a namespace"):
        values.parse_namespace("Prod")


def test_a_selector_stays_as_given_once_it_is_known_to_be_readable() -> None:
    """--labels and --namespace-labels are sent to the API server as text."""
    assert values.parse_selector_text("app in (a, b),!legacy") == "app in (a, b),!legacy"
    assert values.parse_selector_text("") == ""
    with pytest.raises(UsageError):
        values.parse_selector_text("app in a b")


def test_a_path_may_be_anything_but_must_not_hold_an_octet_zero() -> None:
    """open() would raise something that is no line for a person."""
    assert values.parse_path("/etc/x y") == "/etc/x y"
    with pytest.raises(UsageError, match="is not a path"):
        values.parse_path("a\0b")


@pytest.mark.parametrize("hostile", ["a\nb", "\x1b[2J", "\u202egnp", "x" * 5000])
def test_text_of_any_origin_is_shown_short_and_printable(hostile: str) -> None:
    """Reliability 4.3: one event, one line."""
    shown = values.quoted(hostile)

    assert shown.isprintable()
    assert len(shown) < 100


def test_a_choice_names_what_can_be_chosen() -> None:
    """Bad input gets one clear line: what is wrong, what to do."""
    kind = values.choice("insecure", "verified", "disabled")

    assert kind.read("verified") == "verified"
    with pytest.raises(UsageError, match="'on' is not known; give insecure, verified or disabled"):
        kind.read("on")


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("65536", 65_536), ("512Ki", 524_288), ("32Mi", 33_554_432), ("1Gi", 2**30)],
)
def test_a_size_is_read_as_kubernetes_reads_memory(text: str, size: int) -> None:
    """Resource quantities with binary suffixes."""
    assert values.octets(2**30, "0 to 1Gi").read(text) == size


@pytest.mark.parametrize(
    "text", ["", "Mi", "-1", "1.5Mi", "32M", "32MB", "32 Mi", "32mi", "\u0661"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    """A suffix that means something else must not be read as ours."""
    with pytest.raises(UsageError, match="is not a size; give it like 32Mi, 512Ki or 0"):
        values.octets(2**30, "0 to 1Gi").read(text)


def test_a_size_out_of_range_is_refused_with_the_range() -> None:
    """Bad input gets one clear line: what is wrong, what to do."""
    with pytest.raises(UsageError, match="'2Gi' is out of range; give 0 to 1Gi"):
        values.octets(2**30, "0 to 1Gi").read("2Gi")


def test_a_size_that_is_of_no_use_is_refused_and_none_at_all_is_not() -> None:
    """Little is a typing error; nothing is a decision."""
    kind = values.octets(2**30, "0, or 1Mi to 1Gi", least=2**20)

    assert [kind.read(text) for text in ("0", "0Mi", "1Mi", "1024Ki")] == [0, 0, 2**20, 2**20]
    for text in ("1", "1048575", "1023Ki"):
        with pytest.raises(UsageError, match=f"'{text}' is out of range; give 0, or 1Mi to 1Gi"):
            kind.read(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ns.corp.example", "ns.corp.example"),
        ("NS.Corp.Example.", "ns.corp.example"),
        ("x" * 63, "x" * 63),
        (".".join(["x" * 63] * 3 + ["y" * 61]), ".".join(["x" * 63] * 3 + ["y" * 61])),
    ],
)
def test_a_host_name_is_folded_and_loses_its_last_dot(text: str, name: str) -> None:
    """RFC 1123, 2.1."""
    assert values.fold_host_name(text) == name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a label is empty"),
        ("a..b", "a label is empty"),
        ("x" * 64, "a label has 64 characters; 63 fit"),
        (".".join(["x" * 63] * 4), "255 characters are too long for a name; 253 fit"),
        ("a_b.c", "label 'a_b' may hold only a-z, 0-9 and -, and no - at either end"),
        ("\u212a.example", "may hold only a-z, 0-9 and -"),
    ],
)
def test_what_is_no_host_name_is_refused_with_the_reason(text: str, said: str) -> None:
    """RFC 1123, 2.1; the Kelvin sign, which folds to a k, is none."""
    with pytest.raises(UsageError) as refusal:
        values.fold_host_name(text)

    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (".", "."),
        ("Corp.Example", "corp.example."),
        ("corp.example.", "corp.example."),
        ("10.0.0.1", "10.0.0.1"),
        ("FD00:0::1", "fd00::1"),
    ],
)
def test_a_filter_is_a_domain_or_the_address_of_an_upstream(text: str, read: str) -> None:
    """--filter-aaaa."""
    assert values.parse_aaaa_filter(text) == read


def test_a_filter_that_is_neither_is_refused() -> None:
    """Bad input gets one clear line."""
    with pytest.raises(UsageError, match=r"^'a_b': label 'a_b' may hold only"):
        values.parse_aaaa_filter("a_b")


@pytest.mark.parametrize("text", ["1.2.3.4.5", "10.0.0", "10.0.0.256", "10.0.0.010", "7", "a.1."])
def test_a_filter_that_was_to_be_an_address_is_not_taken_for_a_domain(text: str) -> None:
    """No top-level domain is a number (RFC 3696, 2): it would filter nothing, in silence."""
    with pytest.raises(UsageError) as refusal:
        values.parse_aaaa_filter(text)

    assert str(refusal.value) == (
        f"{text!r} is neither an address nor a domain; give one like 10.0.0.1, fd00::1 or "
        "corp.example"
    )


@pytest.mark.parametrize("text", ["kube-dns", "kube-dns.v2", ""])
def test_a_config_map_is_named_as_kubernetes_names_it(text: str) -> None:
    """Object names are RFC 1123 subdomains; empty means not given."""
    assert values.parse_config_map(text) == text


@pytest.mark.parametrize("text", ["Kube-DNS", "kube_dns", "kube-dns.", "a/b", "x" * 254])
def test_what_cannot_be_a_config_map_is_refused(text: str) -> None:
    """It would end in the path of a request."""
    with pytest.raises(UsageError, match="is not the name of a ConfigMap; give one like kube-dns"):
        values.parse_config_map(text)
