"""The text of a manifest: octets in, documents of plain values out.

Rules of this file:

- Nothing that a file holds may end or hang the process. YAML is weighed before it is built, because
  libyaml's composer recurses in C and aliases may say a billion things in a few lines.
- A fault is a value: one line that says where and what. Half a file is no file.
- The YAML loader builds plain values only, never objects of Python.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from kubedns_py.errors import excerpt
from kubedns_py.structs import Struct

_MAX_DEPTH = 100
"""Nesting of collections. An API object has about ten; thousands overflow libyaml's stack."""

_MAX_ALIASED = 100_000
"""Nodes that aliases may add to one file. Shared port lists need dozens; a bomb, billions."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document(Struct, frozen=True):
    """One document of a file: its value, and the line, from 1, on which it starts."""

    value: object
    line: int


class Fault(Struct, frozen=True):
    """Why a file cannot be read. ``line`` counts from 1; 0 when no line is to blame."""

    reason: str
    line: int = 0


def read_documents(content: bytes, *, is_json: bool) -> tuple[Document, ...] | Fault:
    """Return the documents of a manifest, empty ones left out.

    Args:
        content: the whole file; UTF-8, with or without a byte order mark.
        is_json: one JSON value (RFC 8259) rather than a stream of YAML 1.1 documents.

    Raises:
        Nothing, for any octets.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Fault("this is not UTF-8 text", content.count(b"\n", 0, error.start) + 1)
    if not text.strip():
        return ()
    return _read_json(text) if is_json else _read_yaml(text)


def _read_json(text: str) -> tuple[Document, ...] | Fault:
    try:
        return (Document(json.loads(text), 1),)
    except json.JSONDecodeError as error:
        return Fault(error.msg, error.lineno)
    except ValueError as error:
        return Fault(excerpt(f"a value cannot be read: {error}"))
    except RecursionError:
        return Fault("it is nested too deeply")


def _read_yaml(text: str) -> tuple[Document, ...] | Fault:
    try:
        return _weigh(text) or tuple(_load(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or error.context or "this is not YAML"
        return Fault(excerpt(reason), mark.line + 1 if mark else 0)
    except yaml.reader.ReaderError as error:
        shown = f"the character {chr(error.character)!r} is not allowed in YAML"
        return Fault(shown, text.count("\n", 0, error.position) + 1)
    except Exception as error:  # noqa: BLE001 - said, and kept as the file's problem: the loader
        # lets IndexError, KeyError, ValueError and others escape for values like "!!int ''"
        return Fault(excerpt(f"a value cannot be read: {type(error).__name__}: {error}"))


def _weigh(text: str) -> Fault | None:
    """Return why a YAML text must not be built, or None."""
    weight = _Weight()
    for event in yaml.parse(text, Loader=_Loader):
        reason = weight.add(event)
        if reason:
            return Fault(reason, event.start_mark.line + 1 if event.start_mark else 0)
    return None


class _Weight:
    """What a YAML text will become once built, counted from its events in constant depth."""

    def __init__(self) -> None:
        self._size = 0
        self._aliased = 0
        self._open: list[tuple[str, int]] = []
        self._size_of: dict[str, int] = {}

    def add(self, event: yaml.Event) -> str:
        """Count one event. Returns why the text must not be built, or an empty text."""
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor or "")
        if isinstance(event, yaml.CollectionStartEvent):
            return self._start(event.anchor or "")
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, start = self._open.pop()
            self._size_of[anchor] = self._size - start
        elif isinstance(event, yaml.ScalarEvent):
            self._size += 1
            self._size_of[event.anchor or ""] = 1
        return ""

    def _alias(self, anchor: str) -> str:
        size = self._size_of.get(anchor, 0)
        self._size += size
        self._aliased += size
        if not size:
            return f"the alias *{anchor} has no complete anchor before it"
        if self._aliased > _MAX_ALIASED:
            return f"its aliases repeat more than {_MAX_ALIASED} values"
        return ""

    def _start(self, anchor: str) -> str:
        self._size_of.pop(anchor, None)  # until it ends: an alias to it inside would be a cycle
        self._open.append((anchor, self._size))
        self._size += 1
        if len(self._open) > _MAX_DEPTH:
            return f"it is nested more than {_MAX_DEPTH} deep"
        return ""


def _load(text: str) -> Iterator[Document]:
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            value = loader.construct_document(node)
            if value is not None:
                yield Document(value, node.start_mark.line + 1)
    finally:
        loader.dispose()
