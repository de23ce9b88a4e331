"""The slim objects: what is compared, and how a key reads."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.objects import Key
from tests.helpers.objects import an_endpoint


@pytest.mark.parametrize(
    ("key", "expected"), [(Key("shop", "web"), "shop/web"), (Key("", "shop"), "shop")]
)
def test_a_key_reads_as_operators_write_it(key: Key, expected: str) -> None:
    """Without a slash where there is no namespace."""
    assert str(key) == expected


def test_two_spellings_of_an_endpoint_are_equal() -> None:
    """HDL-26: two equal objects make equal records."""
    assert an_endpoint("fd00::1 hostname=a") == an_endpoint("fd00:0::0001 hostname=a")
    assert an_endpoint("fd00::1") != an_endpoint("fd00::1 serving")
