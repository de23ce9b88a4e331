r"""Names: text, wire form, and a dot that is no separator (RFC 1035; RFC 4343)."""

import pytest

from kubedns_py.dns.name import (
    ROOT,
    Name,
    Suffixes,
    WireName,
    from_text,
    from_wire,
    is_below,
    to_text,
    to_wire,
    wire_length,
)
from kubedns_py.errors import BadName

LONGEST = (b"a" * 63, b"b" * 63, b"c" * 63, b"d" * 61)
"""255 octets in wire form (RFC 1035, 2.3.4)."""


def test_the_last_dot_may_be_left_out() -> None:
    """RFC 1035, 5.1; here every name is absolute."""
    assert from_text("web.shop.svc") == (b"web", b"shop", b"svc")
    assert from_text("web.shop.svc.") == (b"web", b"shop", b"svc")


def test_names_are_folded_to_lower_case() -> None:
    """ENV-9, EXT-15, RFC 4343, 3."""
    assert from_text("WeB.CLUSTER.Local") == (b"web", b"cluster", b"local")


@pytest.mark.parametrize("text", ["", "."])
def test_nothing_and_a_dot_are_the_root(text: str) -> None:
    """RFC 1035, 3.1."""
    assert from_text(text) == ROOT


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r"a\.b.c", (b"a.b", b"c")),
        (r"a\.", (b"a.",)),
        (r"\\.c", (b"\\", b"c")),
        (r"\000\255.c", (b"\x00\xff", b"c")),
        (r"\065\A", (b"aa",)),
        (r"a\ b", (b"a b",)),
    ],
)
def test_escapes_stand_for_octets(text: str, name: Name) -> None:
    """RFC 1035, 5.1; BAD-14: a dot inside a label is no separator."""
    assert from_text(text) == name


@pytest.mark.parametrize("text", ["..", ".a", "a..b", "a.."])
def test_an_empty_label_is_refused(text: str) -> None:
    """BAD-8."""
    with pytest.raises(BadName, match="empty label"):
        from_text(text)


@pytest.mark.parametrize("text", ["a\\", r"\1", r"\12", r"\256", r"\25x", r"a\9.b"])
def test_a_broken_escape_is_refused(text: str) -> None:
    """RFC 1035, 5.1."""
    with pytest.raises(BadName, match="broken escape"):
        from_text(text)


def test_a_label_may_have_63_octets_and_no_more() -> None:
    """RFC 1035, 2.3.4."""
    assert from_text("a" * 63) == (b"a" * 63,)
    with pytest.raises(BadName, match="a label longer than 63 octets"):
        from_text("a" * 64)


def test_a_name_may_have_255_octets_and_no_more() -> None:
    """RFC 1035, 2.3.4."""
    text = ".".join(label.decode() for label in LONGEST)

    assert from_text(text) == LONGEST
    with pytest.raises(BadName, match="longer than 255 octets"):
        from_text(f"{text}d")


@pytest.mark.parametrize("text", ["münchen.example", "a.\udcff", "\ud800"])
def test_text_that_is_not_ascii_is_refused_with_the_way_out(text: str) -> None:
    """RFC 1035, 5.1; surrogates come from arguments that are not UTF-8."""
    with pytest.raises(BadName, match=r"not ASCII; write the octets as \\DDD"):
        from_text(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (ROOT, "."),
        ((b"web", b"shop"), "web.shop."),
        ((b"a.b", b"c"), r"a\.b.c."),
        ((b'"();@$\\',), r"\"\(\)\;\@\$\\."),
        ((b" \x00\x7f\xff\n",), r"\032\000\127\255\010."),
        ((b"<script>",), "<script>."),
    ],
)
def test_text_for_people_has_every_odd_octet_escaped(name: Name, text: str) -> None:
    """M-24, RFC 4343, 2.1: safe to log, and readable again."""
    assert to_text(name) == text
    assert from_text(to_text(name)) == name


def test_wire_form_is_length_and_label_and_the_root() -> None:
    """RFC 1035, 3.1."""
    assert to_wire((b"web", b"a")) == b"\3web\1a\0"
    assert to_wire(ROOT) == b"\0"


def test_a_name_is_read_back_from_the_wire_at_its_offset() -> None:
    """RFC 1035, 3.1."""
    assert from_wire(WireName(b"\3web\1a\0")) == (b"web", b"a")
    assert from_wire(b"xx\3web\0rest", 2) == (b"web",)
    assert from_wire(b"\0") == ROOT


@pytest.mark.parametrize(
    ("name", "octets"), [(ROOT, 1), ((b"web", b"a"), 7), (LONGEST, 255)], ids=["root", "two", "max"]
)
def test_length_counts_what_the_wire_form_takes(name: Name, octets: int) -> None:
    """RFC 1035, 3.1."""
    assert wire_length(name) == octets
    assert len(to_wire(name)) == octets


def test_a_name_is_below_itself_its_parents_and_the_root() -> None:
    """RFC 9499, section 2: subdomain."""
    name = (b"web", b"cluster", b"local")

    assert is_below(name, name)
    assert is_below(name, (b"cluster", b"local"))
    assert is_below(name, ROOT)
    assert is_below(ROOT, ROOT)


def test_being_below_goes_by_labels_and_not_by_text() -> None:
    """FWD-2's rule: ``mycluster.local`` is not under ``cluster.local``."""
    assert not is_below((b"mycluster", b"local"), (b"cluster", b"local"))
    assert not is_below((b"local",), (b"cluster", b"local"))
    assert not is_below((b"x.cluster", b"local"), (b"cluster", b"local"))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("cluster.local.", "cluster"),
        ("web.shop.svc.cluster.local.", "cluster"),
        ("a.east.cluster.local.", "east"),
        ("east.cluster.local.", "east"),
        ("xcluster.local.", None),
        ("local.", None),
        (".", None),
    ],
)
def test_the_longest_name_that_another_is_under(name: str, found: str | None) -> None:
    """By labels; what stands at the root is for all others."""
    known = {from_text("cluster.local"): "cluster", from_text("east.cluster.local"): "east"}

    assert Suffixes(known).longest(from_text(name)) == found
    assert Suffixes({**known, (): "root"}).longest(from_text(name)) == (found or "root")
