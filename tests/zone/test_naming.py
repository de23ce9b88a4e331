"""Labels of services, endpoints and addresses (DNS specification 1.1.0, 2.2 to 2.4)."""

from typing import Literal

import pytest

from kubedns_py.cluster.objects import Key
from kubedns_py.dns.name import from_text, to_text
from kubedns_py.zone.naming import Naming, dashed, hash_label, read_dashed
from tests.helpers.objects import address, an_endpoint

APEX = from_text("cluster.local")
Style = Literal["dashed", "hash", "both"]


def label(endpoint: str, *, style: Style = "dashed", pod_names: bool = False) -> bytes:
    """Return the label of an endpoint's SRV target and pointer."""
    found = an_endpoint(endpoint)
    naming = Naming(APEX, 30, style, pod_names)
    return naming.endpoint_label(found, found.addresses[0])


def aliases(endpoint: str, *, style: Style = "dashed", pod_names: bool = False) -> set[bytes]:
    """Return the further labels that an endpoint answers to."""
    found = an_endpoint(endpoint)
    naming = Naming(APEX, 30, style, pod_names)
    return set(naming.endpoint_aliases(found, found.addresses[0]))


def test_a_service_stands_under_its_namespace_under_svc() -> None:
    """DNS specification, 2.3.1."""
    name = Naming(APEX, 30).service(Key("shop", "web"))

    assert to_text(name) == "web.shop.svc.cluster.local."


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("10.1.2.3", b"10-1-2-3"),
        ("fd00::5", b"fd00--5"),
        ("fd00:0:0:1::", b"fd00-0-0-1--0"),
        ("fd00::", b"fd00--0"),
        ("::1", b"0--1"),
        ("::", b"0--0"),
        ("2001:db8:1:2:3:4:5:6", b"2001-db8-1-2-3-4-5-6"),
    ],
)
def test_an_address_is_written_with_dashes_and_none_at_either_end(
    text: str, written: bytes
) -> None:
    """HDL-10, section 1.16."""
    assert dashed(address(text)) == written
    assert read_dashed(written) == address(text)


@pytest.mark.parametrize(
    ("spelled", "text"),
    [
        (b"--1", "::1"),
        (b"fd00--", "fd00::"),
        (b"fd00-0-0-0-0-0-0-5", "fd00::5"),
        (b"fd00--0005", "fd00::5"),
        (b"a--b-c", "a::b:c"),
        (b"--", "::"),
    ],
)
def test_any_spelling_that_parses_is_understood(spelled: bytes, text: str) -> None:
    """HDL-10, POD-4: three dashes with two in a row are IPv6."""
    assert read_dashed(spelled) == address(text)


@pytest.mark.parametrize(
    "text",
    [
        b"abc",
        b"1-2-3",
        b"1-2-3-4-5",
        b"999-1-1-1",
        b"010-0-0-1",
        b"a-b-c-d",
        b"1.2.3.4",
        b"::1",
        b"fd00--5--6",
        b"FD00--5",
        b"1-2-3-\xb2",
        b"-1-2-3",
        b"-",
        b"fd00--5%eth0",
    ],
)
def test_what_is_no_address_is_none(text: bytes) -> None:
    """POD-5, POD-13, A-11; labels are folded before."""
    assert read_dashed(text) is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("172.17.0.7", b"36393633363232"),
        ("172.17.0.8", b"66646264346164"),
        ("172.17.0.9", b"3337623737363734"),
        ("10.0.0.1", b"3234633364383235"),
        ("10.96.0.1", b"6266366134663036"),
    ],
)
def test_kube_dns_hashes_are_those_of_kube_dns(text: str, written: bytes) -> None:
    """Section 1.16: golden values."""
    assert hash_label(address(text)) == written


def test_a_hostname_is_an_endpoints_only_name() -> None:
    """T-22, HDL-8: it replaces the dashed name, under every option."""
    for style in ("dashed", "hash", "both"):
        assert label("10.1.0.1 hostname=db-0 pod=p", style=style, pod_names=True) == b"db-0"
        assert aliases("10.1.0.1 hostname=db-0 pod=p", style=style, pod_names=True) == set()


def test_an_endpoint_without_a_hostname_is_called_by_its_address() -> None:
    """HDL-9; a pod's name only by option."""
    assert label("10.1.0.1 pod=p") == b"10-1-0-1"
    assert aliases("10.1.0.1 pod=p") == {b"10-1-0-1"}


def test_an_endpoint_may_be_called_by_its_pod_and_keeps_its_dashed_name() -> None:
    """HDL-20."""
    assert label("10.1.0.1 pod=web-abc", pod_names=True) == b"web-abc"
    assert aliases("10.1.0.1 pod=web-abc", pod_names=True) == {b"10-1-0-1"}
    assert label("10.1.0.1", pod_names=True) == b"10-1-0-1"


def test_a_pods_name_that_is_no_label_is_not_used() -> None:
    """HDL-20: at most 63 octets; the API allows dots in names of pods."""
    assert label(f"10.1.0.1 pod={'p' * 63}", pod_names=True) == b"p" * 63
    assert label(f"10.1.0.1 pod={'p' * 64}", pod_names=True) == b"10-1-0-1"
    assert label("10.1.0.1 pod=web.0", pod_names=True) == b"10-1-0-1"


def test_hashes_are_understood_beside_dashes_or_used_instead() -> None:
    """SKY-1, section 1.16."""
    hashed = b"3234633364383235"

    assert label("10.0.0.1", style="both") == b"10-0-0-1"
    assert aliases("10.0.0.1", style="both") == {b"10-0-0-1", hashed}
    assert label("10.0.0.1", style="hash") == hashed
    assert aliases("10.0.0.1", style="hash") == {hashed}
