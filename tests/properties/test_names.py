"""Laws of names: text and wire form say the same, and nothing else does."""

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.dns.name import MAX_NAME, Name, from_text, from_wire, to_text, to_wire
from kubedns_py.errors import BadName

folded_labels = st.binary(min_size=1, max_size=63).map(bytes.lower)
names = (
    st.lists(folded_labels, max_size=127)
    .map(tuple)
    .filter(lambda name: sum(map(len, name)) + len(name) + 1 <= MAX_NAME)
)


@given(names)
def test_a_name_survives_its_text(name: Name) -> None:
    """RFC 1035, 5.1: whatever octets are in it."""
    assert from_text(to_text(name)) == name


@given(names)
def test_a_name_survives_its_text_without_the_last_dot(name: Name) -> None:
    """All our names are absolute."""
    assert from_text(to_text(name)[:-1]) == name


@given(names)
def test_a_name_survives_its_wire_form(name: Name) -> None:
    """RFC 1035, 3.1."""
    assert from_wire(to_wire(name)) == name


@given(names, st.binary(max_size=20), st.binary(max_size=20))
def test_a_name_is_found_at_its_offset(name: Name, before: bytes, after: bytes) -> None:
    """Within other octets."""
    assert from_wire(before + to_wire(name) + after, len(before)) == name


@given(names)
def test_the_wire_form_is_the_one_that_dnspython_writes(name: Name) -> None:
    """An independent judge."""
    assert to_wire(name) == dns.name.Name((*name, b"")).to_wire()


@given(names)
def test_the_text_is_read_by_dnspython_as_the_same_name(name: Name) -> None:
    """So that what an operator copies from a log works elsewhere."""
    assert dns.name.from_text(to_text(name)).labels[:-1] == name


@given(names)
def test_the_text_can_be_printed(name: Name) -> None:
    """RFC 4343, 2.1: no space, control character or octet over 0x7E reaches a log."""
    assert all("!" <= character <= "~" for character in to_text(name))


@given(names, names)
def test_different_names_have_different_texts(one: Name, other: Name) -> None:
    """A dot inside a label never looks like a separator."""
    assert (to_text(one) == to_text(other)) == (one == other)


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=300))
def test_any_ascii_text_is_a_name_or_a_bad_name(text: str) -> None:
    """Nothing else is raised; what is read is within the limits and folded."""
    try:
        name = from_text(text)
    except BadName:
        return
    assert all(1 <= len(label) <= 63 and label == label.lower() for label in name)
    assert len(to_wire(name)) <= MAX_NAME


@given(st.text(max_size=300))
def test_any_text_at_all_is_a_name_or_a_bad_name(text: str) -> None:
    """Options and manifests may hold any character."""
    try:
        name = from_text(text)
    except BadName:
        return
    assert len(to_wire(name)) <= MAX_NAME


@given(names.map(to_text))
def test_case_does_not_matter(text: str) -> None:
    """RFC 4343, 3."""
    assert from_text(text.upper()) == from_text(text)


@pytest.mark.parametrize(
    "text",
    ["a..b", ".a", "..", "a" * 64, "\\", "a\\", "\\25", "\\256", "\\2a5", ".".join(["a" * 63] * 4)],
)
def test_what_is_no_name(text: str) -> None:
    """RFC 1035, 2.3.4 and 5.1: empty and long labels, long names, broken escapes."""
    with pytest.raises(BadName):
        from_text(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", ()),
        (".", ()),
        ("Web.Prod.", (b"web", b"prod")),
        ("web.prod", (b"web", b"prod")),
        ("a\\.b.c", (b"a.b", b"c")),
        ("\\065\\\\", (b"a\\",)),
        ("\\000\\255", (b"\0\xff",)),
    ],
)
def test_what_is_a_name(text: str, name: Name) -> None:
    """RFC 1035, 5.1."""
    assert from_text(text) == name
