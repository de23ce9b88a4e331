"""A v1 ConfigMap: name and texts, and nothing else.

It is no ``Resource``: no record is made of it, and the store does not hold it. What its texts mean
is not for this room.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from kubedns_py.cluster.objects import Key
from kubedns_py.errors import BadObject, excerpt

KIND = "ConfigMap"
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class ConfigMap(NamedTuple):
    """The fields that are read.

    Attributes:
        key: its name.
        data: key to text; what is in ``binaryData`` is no text and left out.
    """

    key: Key
    data: Mapping[str, str]


class _Meta(msgspec.Struct):
    name: str = ""
    namespace: str = ""


class _Named(msgspec.Struct):
    metadata: _Meta | None = None


class _ConfigMap(msgspec.Struct):
    data: dict[str, str] | None = None


_NAMED = msgspec.json.Decoder(_Named)
_CONFIG_MAP = msgspec.json.Decoder(_ConfigMap)


def read_config_map(raw: bytes | msgspec.Raw) -> ConfigMap:
    """Return what a ConfigMap says.

    Raises:
        BadObject: it cannot be read; with its name as far as that is known.
    """
    key = None
    try:
        meta = _NAMED.decode(raw).metadata or _Meta()
        key = Key(meta.namespace, meta.name)
        return ConfigMap(key, _CONFIG_MAP.decode(raw).data or {})
    except msgspec.ValidationError as error:
        raise _bad("type", key, error) from error
    except _UNREADABLE as error:
        raise _bad("json", key, error) from error


def _bad(reason: str, key: Key | None, error: Exception) -> BadObject:
    return BadObject(KIND, reason, key=str(key or ""), detail=excerpt(str(error)))
