"""Reading a ConfigMap: name and texts."""

import pytest

from kubedns_py.cluster.config_map import ConfigMap, read_config_map
from kubedns_py.cluster.objects import Key
from kubedns_py.errors import BadObject
from tests.helpers.builders import octets

META = {"name": "kube-dns", "namespace": "kube-system", "resourceVersion": "7"}
KEY = Key("kube-system", "kube-dns")


def test_name_and_texts_are_read() -> None:
    """Core v1 API."""
    raw = octets({"metadata": META, "data": {"a": "b"}, "binaryData": {"c": "AA=="}})

    assert read_config_map(raw) == ConfigMap(KEY, {"a": "b"})


@pytest.mark.parametrize("document", [{"metadata": META}, {"metadata": META, "data": None}])
def test_a_map_without_data_has_none(document: dict[str, object]) -> None:
    """Go writes null, or nothing at all."""
    assert read_config_map(octets(document)) == ConfigMap(KEY, {})


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"{", "ConfigMap (no name): json: "),
        (b"[]", "ConfigMap (no name): type: "),
        (b'{"metadata":{"name":1}}', "ConfigMap (no name): type: "),
        (octets({"metadata": META, "data": {"a": 1}}), "ConfigMap kube-system/kube-dns: type: "),
        (b'{"metadata":{"name":"\xff"}}', "ConfigMap (no name): json: "),
    ],
)
def test_what_cannot_be_read_is_named_as_far_as_it_can(raw: bytes, said: str) -> None:
    """F-17: the kind, the name and the reason."""
    with pytest.raises(BadObject) as caught:
        read_config_map(raw)

    assert str(caught.value).startswith(said)
