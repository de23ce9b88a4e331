"""A value that may change: what comes into force, what does not, and what is said of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from kubedns_py.errors import BadConfiguration
from kubedns_py.sources.configuration import Kept, version_of


@dataclass(frozen=True)
class Text:
    """A value: one text."""

    text: str = "default"
    notices: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return self.text


def read(raw: str) -> Text:
    """Take every text without a question mark; what follows a bar is a notice."""
    if "?" in raw:
        raise BadConfiguration(f"key: {raw}")
    text, _, notice = raw.partition("|")
    return Text(text, (notice,) if notice else ())


class Keeping:
    """A ``Kept`` and what it told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.kept = Kept("--x /y", Text(), read, on_change=self._tell)

    def _tell(self, value: Text) -> None:
        self.told.append(str(value))

    def offer(self, *raws: str) -> None:
        """Offer texts, one after the other; each is its own version."""
        for raw in raws:
            self.kept.offer(raw, f"v-{raw}")


@pytest.fixture
def keeping(caplog: pytest.LogCaptureFixture) -> Keeping:
    """Nothing was offered yet."""
    caplog.set_level(logging.INFO)
    return Keeping()


def test_before_anything_came_the_default_is_in_force(keeping: Keeping) -> None:
    """F-29: at the start, the defaults."""
    status = keeping.kept.status

    assert str(keeping.kept.value) == "default"
    assert (status.valid, status.generation, status.version, status.message) == (True, 0, "", "")


def test_a_good_value_comes_into_force_and_is_told_and_said(
    keeping: Keeping, caplog: pytest.LogCaptureFixture
) -> None:
    """Issue: visible in a metric, a text and the log."""
    keeping.offer("a|look here")

    status = keeping.kept.status
    assert keeping.told == ["a"]
    assert (status.valid, status.generation, status.version) == (True, 1, "v-a|look here")
    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [
        ("INFO", "--x /y: in force: a"),
        ("WARNING", "--x /y: look here"),
    ]


def test_a_bad_value_leaves_the_last_good_one_in_force(
    keeping: Keeping, caplog: pytest.LogCaptureFixture
) -> None:
    """F-29: the last good one, with key and reason."""
    keeping.offer("a", "b?")

    status = keeping.kept.status
    assert str(keeping.kept.value) == "a"
    assert keeping.told == ["a"]
    assert (status.valid, status.generation, status.version) == (False, 1, "v-a")
    assert (status.message, status.refusals) == ("key: b?", 1)
    assert caplog.records[-1].levelname == "ERROR"
    assert caplog.messages[-1] == "--x /y: cannot be used: key: b?; still in force: a"


def test_a_bad_value_at_the_start_leaves_the_default(
    keeping: Keeping, caplog: pytest.LogCaptureFixture
) -> None:
    """F-29: at start, defaults and ERROR."""
    keeping.offer("a?")

    assert str(keeping.kept.value) == "default"
    assert keeping.kept.status.generation == 0
    assert caplog.messages == ["--x /y: cannot be used: key: a?; still in force: default"]


def test_what_was_judged_is_not_judged_again_until_it_changes(
    keeping: Keeping, caplog: pytest.LogCaptureFixture
) -> None:
    """Behaviour 2.1.3: its version is remembered, so it is not retried."""
    keeping.offer("a", "a", "b?", "b?", "b?")

    assert keeping.kept.status.generation == 1
    assert keeping.kept.status.refusals == 1
    assert len(caplog.records) == 2
    assert not keeping.kept.is_new("v-b?")
    assert keeping.kept.is_new("v-a")


def test_the_way_back_to_what_is_in_force_changes_only_the_report(keeping: Keeping) -> None:
    """Routes are not made anew for a mistake that was taken back."""
    keeping.offer("a", "b?", "a")

    assert keeping.told == ["a"]
    assert keeping.kept.status.valid
    assert keeping.kept.status.message == ""
    assert keeping.kept.status.generation == 2


def test_a_value_that_differs_in_its_notices_only_is_not_told(keeping: Keeping) -> None:
    """An unknown key is no reason to make routes anew."""
    keeping.offer("a", "a|and a key")

    assert keeping.told == ["a"]


def test_what_could_not_be_had_is_refused_once(
    keeping: Keeping, caplog: pytest.LogCaptureFixture
) -> None:
    """F-30: a directory that cannot be read; then it is back as it was."""
    keeping.offer("a")
    for _ in range(3):
        keeping.kept.refuse("it cannot be read", "it cannot be read")

    before = keeping.kept.status.valid
    keeping.offer("a")

    assert (before, keeping.kept.status.valid) == (False, True)
    assert [each.levelname for each in caplog.records] == ["INFO", "ERROR", "INFO"]
    assert keeping.told == ["a"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"a": ""}),
        ({"a": "b"}, {"a": "c"}),
        ({"a": "b", "c": ""}, {"a": "", "c": "b"}),
        ({"ab": "c"}, {"a": "bc"}),
        ({"a": "1:b"}, {"a1:": "b"}),
        ({"a": "b"}, {"a": "b", "\udc80": ""}),
    ],
)
def test_versions_differ_where_data_does(one: Mapping[str, str], other: Mapping[str, str]) -> None:
    """Behaviour 2.1.3: a SHA-256 over the content."""
    assert len(version_of(one)) == 64
    assert version_of(one) != version_of(other)


def test_the_order_of_keys_makes_no_version() -> None:
    """A ConfigMap has none."""
    assert version_of({"a": "1", "b": "2"}) == version_of({"b": "2", "a": "1"})
