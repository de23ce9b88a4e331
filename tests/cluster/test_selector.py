"""Label selectors, as ``kubectl -l`` spells them."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.selector import parse_selector
from kubedns_py.errors import UsageError

WEB = {"app": "web", "tier": "front", "shop.example.org/region": "eu", "empty": ""}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "app=web",
        "app==web",
        "app = web",
        "tier!=back",
        "missing!=anything",
        "app in (web, db)",
        "app in(web)",
        "tier notin (back,middle)",
        "missing notin (a)",
        "app",
        "!legacy",
        "! legacy",
        "empty=",
        "empty in (,a)",
        "shop.example.org/region=eu",
        "app=web,tier in (front, middle),!legacy,shop.example.org/region",
        "in!=x,notin!=y",
    ],
)
def test_a_selector_matches_labels_that_meet_every_requirement(text: str) -> None:
    """Labels and selectors, Kubernetes documentation."""
    assert parse_selector(text).matches(WEB)


@pytest.mark.parametrize(
    "text",
    [
        "app=db",
        "missing=anything",
        "missing=",
        "tier!=front",
        "app in (db, cache)",
        "missing in (a)",
        "tier notin (front)",
        "legacy",
        "!app",
        "app=web,tier=back",
        "App=web",
        "app=Web",
    ],
)
def test_a_selector_refuses_labels_that_miss_one_requirement(text: str) -> None:
    """Keys and values are compared as written, letter case included."""
    assert not parse_selector(text).matches(WEB)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("app in web", "'app in web' is not a requirement"),
        ("app in ()", "'app in ()' is not a requirement"),
        ("app in (web", "'app in (web' is not a requirement"),
        ("app=web)", "'app=web)' is not a requirement"),
        ("app=web tier=front", "'app=web tier=front' is not a requirement"),
        ("!app=web", "'!app=web' is not a requirement"),
        ("=web", "'=web' is not a requirement"),
        ("app>3", "'app>3' is not a requirement"),
        ("app=web,", "nothing before or after a comma is not a requirement"),
        ("app=-web", "'-web' is not a label value"),
        ("app in (web,a b)", "'a b' is not a label value"),
        (f"app={'w' * 64}", f"'{'w' * 64}' is not a label value"),
        ("-app", "'-app' is not a label key"),
        ("/app", "'/app' is not a label key"),
        ("Shop.example.org/app", "'Shop.example.org/app' is not a label key"),
        ("a/b/c", "'a/b/c' is not a label key"),
        (f"{'k' * 64}=v", f"'{'k' * 64}' is not a label key"),
        (f"{'p.' * 127}p/app", "is not a label key"),
    ],
)
def test_a_text_that_is_no_selector_is_refused_in_one_line_that_names_the_fault(
    text: str, fault: str
) -> None:
    """House rule: bad input gets one clear line naming the thing and what to do."""
    with pytest.raises(UsageError) as caught:
        parse_selector(text)

    message = str(caught.value)
    assert message.startswith(f"label selector {text!r}: ")
    assert fault in message
    assert "\n" not in message


def test_equal_texts_make_equal_selectors() -> None:
    """A selector is a value."""
    assert parse_selector("app=web") == parse_selector(" app == web ")
    assert parse_selector("app=web") != parse_selector("app!=web")
