"""Octets of a manifest to documents: bounded, and every fault with its line."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.sources.manifest_text import Document, Fault, read_documents
from tests.helpers.work import lines_run


def yaml_of(text: str) -> tuple[Document, ...] | Fault:
    """Read a YAML text."""
    return read_documents(textwrap.dedent(text).encode(), is_json=False)


def test_every_document_comes_with_the_line_on_which_it_starts() -> None:
    """Several objects in one file, as kubectl takes them; empty documents are left out."""
    text = """\
        kind: Service
        ---
        # nothing here
        ---
        kind: Pod
        ---
        """

    assert yaml_of(text) == (Document({"kind": "Service"}, 1), Document({"kind": "Pod"}, 5))


@pytest.mark.parametrize("text", ["", "\n \n", "# only a comment\n", "---\n---\n"])
def test_a_file_without_content_has_no_documents(text: str) -> None:
    """An empty file is no fault."""
    assert yaml_of(text) == ()


def test_a_byte_order_mark_is_not_content() -> None:
    """Some editors write one."""
    assert read_documents(b"\xef\xbb\xbfkind: Pod", is_json=False) == (
        Document({"kind": "Pod"}, 1),
    )
    assert read_documents(b'\xef\xbb\xbf{"kind":"Pod"}', is_json=True) == (
        Document({"kind": "Pod"}, 1),
    )


def test_json_is_one_document() -> None:
    """RFC 8259."""
    assert read_documents(b'\n{"kind": "Pod"}\n', is_json=True) == (Document({"kind": "Pod"}, 1),)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: b\n c: d\n", Fault("mapping values are not allowed in this context", 2)),
        ("a:\n  - 'x\n", Fault("found unexpected end of stream", 3)),
        ("a: 1\n\tb: 2\n", Fault("found a tab character that violates indentation", 2)),
        ("a: b\nc: \x01\n", Fault(r"the character '\x01' is not allowed in YAML", 2)),
        (
            "kind: !Service {}\n",
            Fault("could not determine a constructor for the tag '!Service'", 1),
        ),
        ("? [a]\n: b\n", Fault("found unhashable key", 1)),
        ("a: *nowhere\n", Fault("the alias *nowhere has no complete anchor before it", 1)),
        ("a:\n- &x [*x]\n", Fault("the alias *x has no complete anchor before it", 2)),
    ],
)
def test_what_is_not_yaml_is_a_fault_with_its_line(text: str, fault: Fault) -> None:
    """F-30: a broken file is said with line and reason."""
    assert yaml_of(text) == fault


@pytest.mark.parametrize("value", ["!!int ''", "!!bool maybe", "!!timestamp x", "2024-13-45"])
def test_a_value_that_the_loader_stumbles_over_is_a_fault_too(value: str) -> None:
    """The loader raises IndexError, KeyError, AttributeError and ValueError for these."""
    fault = yaml_of(f"a: {value}")

    assert isinstance(fault, Fault)
    assert fault.reason.startswith("a value cannot be read: ")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b'{"a":\n\n x}', Fault("Expecting value", 3)),
        (b'{"a": 1}\n{"b": 2}', Fault("Extra data", 2)),
        (b'{"a": "', Fault("Unterminated string starting at", 1)),
        (b"[" * 100_000, Fault("it is nested too deeply")),
    ],
)
def test_what_is_not_json_is_a_fault_with_its_line(text: bytes, fault: Fault) -> None:
    """F-30."""
    assert read_documents(text, is_json=True) == fault


def test_a_number_without_end_is_a_fault() -> None:
    """The interpreter refuses to convert it."""
    fault = read_documents(b"[" + b"9" * 5000 + b"]", is_json=True)

    assert isinstance(fault, Fault)
    assert fault.reason.startswith("a value cannot be read: Exceeds the limit")


@pytest.mark.parametrize("is_json", [True, False])
def test_what_is_not_utf_8_is_a_fault_with_its_line(is_json: bool) -> None:  # noqa: FBT001 - a case
    """F-16: broken UTF-8."""
    assert read_documents(b"{\n\xff}", is_json=is_json) == Fault("this is not UTF-8 text", 2)


def test_aliases_that_repeat_a_billion_values_are_refused_at_once() -> None:
    """A few lines of YAML may say more than any memory holds."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    text = "\n".join(lines)

    assert yaml_of(text) == Fault("its aliases repeat more than 100000 values", 5)
    assert lines_run(lambda: yaml_of(text)) < 30 * len(lines) * 11  # nodes, as they are written


def test_merge_keys_count_as_aliases() -> None:
    """``<<`` copies the pairs of what it names."""
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 10)]

    fault = yaml_of("\n".join(lines))

    assert isinstance(fault, Fault)
    assert fault.reason == "its aliases repeat more than 100000 values"


def test_the_bound_on_aliases_holds_for_all_documents_of_a_file_together() -> None:
    """Otherwise many documents, each below it, would do the same."""
    document = f"- &a [{'x, ' * 999}x]\n" + "- *a\n" * 20 + "---\n"

    assert yaml_of(document * 5) == Fault("its aliases repeat more than 100000 values", 109)


def test_a_few_aliases_are_fine() -> None:
    """What people use them for."""
    text = """\
        ports: &ports [http, https]
        more: {ports: *ports, again: *ports}
        """

    assert yaml_of(text) == (
        Document(
            {
                "ports": ["http", "https"],
                "more": {"ports": ["http", "https"], "again": ["http", "https"]},
            },
            1,
        ),
    )


@pytest.mark.parametrize("text", ["[" * 200_000, "- " * 5000 + "x", "{a: " * 5000])
def test_deep_nesting_is_refused_before_it_overflows_a_stack(text: str) -> None:
    """The composer of libyaml recurses in C: without the bound, the process ends here."""
    assert yaml_of(text) == Fault("it is nested more than 100 deep", 1)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.booleans())
def test_no_octets_raise(content: bytes, is_json: bool) -> None:  # noqa: FBT001 - generated
    """Law: total. A fault is one line."""
    read = read_documents(content, is_json=is_json)

    if isinstance(read, Fault):
        assert read.reason.isprintable()
        assert read.line >= 0


@given(st.text("[]{}&*<!:-,? \n\t'\"#|>%@`ax0", max_size=60))
def test_no_yaml_syntax_raises(text: str) -> None:
    """Law: total, nearer to what YAML parses."""
    assert isinstance(read_documents(text.encode(), is_json=False), tuple | Fault)
