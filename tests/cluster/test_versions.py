"""The order of resource versions."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.objects import Key
from kubedns_py.cluster.versions import Versions, is_older

WEB = Key("shop", "web")


@pytest.mark.parametrize(
    ("version", "than", "expected"),
    [
        ("1", "2", True),
        ("9", "10", True),
        ("99", "100", True),
        ("10", "9", False),
        ("7", "7", False),
        ("", "7", False),
        ("7", "", False),
        ("a", "b", False),
        ("007", "8", False),
        ("\u0661", "2", False),
        ("1" * 40, "2" * 40, True),
    ],
)
def test_numbers_are_compared_and_nothing_else(version: str, than: str, *, expected: bool) -> None:
    """F-19, KEP-5504: decimal, without leading zeros, of any length."""
    assert is_older(version, than) is expected


def test_an_object_is_as_new_as_its_newest_version() -> None:
    """F-19: and an unknown one did not exist at the time of the list."""
    versions = Versions("100", {WEB: "90"})

    assert not versions.is_stale(WEB, "95")
    assert versions.is_stale(WEB, "89")
    assert versions.is_stale(Key("shop", "other"), "99")
    assert not versions.is_stale(Key("shop", "other"), "101")

    versions.note(WEB, "110")
    assert versions.is_stale(WEB, "109")
