"""What one log line looks like, whatever it is about."""

import json
import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.admin.logline import escaped, json_line, klog_line, message

BINARY = bytes(range(255)).decode("latin-1")
HOSTILE = {
    "newline": ("a\nb", r"a\010b"),
    "carriage return": ("a\rb", r"a\013b"),
    "terminal": ("\x1b[2J\x1b]0;x\x07", r"\027[2J\027]0;x\007"),
    "right to left": ("\u202egnp.exe", r"\u202egnp.exe"),
    "line separator": ("a\u2028b\u0085c", r"a\u2028b\133c"),
    "c1 controls": ("\x9b2J", r"\1552J"),
    "zero": ("\0", r"\000"),
    "beyond the plane": ("\U000e0041", r"\U000e0041"),
    "half a pair": ("\ud800", r"\ud800"),
    "printf": ("%n%s%d%99999999s", "%n%s%d%99999999s"),
    "format": ("{0.__class__}", "{0.__class__}"),
    "name with escapes": (r"a\.b\010c", r"a\.b\010c"),
}


def record(
    template: str, *arguments: object, level: int = logging.INFO, error: Exception | None = None
) -> logging.LogRecord:
    """Return a record of line 12 of x.py."""
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(
        "kubedns_py.sources.watch", level, "/srv/x.py", 12, template, arguments, info
    )


def fail_below(levels: int, text: str) -> None:
    """Raise ValueError some calls further down, from two places in turn."""
    if levels == 0:
        raise ValueError(text)
    if levels % 2:
        fail_below(levels - 1, text)
    else:
        fail_below(levels - 1, text)


@pytest.mark.parametrize(
    ("level", "letter"),
    [
        (logging.DEBUG, "I"),
        (logging.INFO, "I"),
        (logging.WARNING, "W"),
        (logging.ERROR, "E"),
        (logging.CRITICAL, "F"),
    ],
)
def test_a_line_of_text_has_klogs_header(level: int, letter: str) -> None:
    """Ecosystem 6.2: I1123 06:11:10.123456 1 file:line] msg."""
    line = klog_line(record("synced %d services", 3, level=level))

    assert re.fullmatch(
        letter + r"\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ x\.py:12\] synced 3 services\n", line
    )


@pytest.mark.parametrize(
    ("level", "word", "v"),
    [(logging.DEBUG, "debug", 3), (logging.INFO, "info", 0), (logging.WARNING, "warning", 0)],
)
def test_a_line_of_json_has_the_fields_that_log_stores_read(level: int, word: str, v: int) -> None:
    """Ecosystem 6.2: ts, level, v, msg, caller."""
    made = record("synced %d services", 3, level=level)

    line = json_line(made)

    assert line.endswith("}\n")
    assert json.loads(line) == {
        "ts": pytest.approx(made.created, abs=1e-5),
        "level": word,
        "v": v,
        "msg": "synced 3 services",
        "caller": "x.py:12",
        "logger": "kubedns_py.sources.watch",
    }


@pytest.mark.parametrize(("hostile", "shown"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_escaped_and_stays_on_its_line(hostile: str, shown: str) -> None:
    """Reliability 4.3; Trail of Bits asked "log injection?" of CoreDNS."""
    made = record("no such name %s here", hostile)

    assert klog_line(made).endswith(f"] no such name {shown} here\n")
    assert json.loads(json_line(made))["msg"] == f"no such name {shown} here"


@pytest.mark.parametrize("hostile", [text for text, _ in HOSTILE.values()], ids=HOSTILE)
def test_hostile_text_is_no_template_either(hostile: str) -> None:
    """A message without arguments is printed as it is, never formatted."""
    assert klog_line(record(hostile)).removesuffix("\n").isprintable()


def test_a_name_of_255_octets_fits_whole() -> None:
    r"""Reliability 4.3: field of 1,100 characters: 255 octets as \DDD."""
    assert escaped(BINARY + "\0") == "".join(
        each if each.isprintable() else f"\\{ord(each):03d}" for each in BINARY + "\0"
    )
    assert len(escaped("\0" * 255)) == 4 * 255


def test_a_long_argument_is_cut_and_its_length_is_said() -> None:
    """Reliability 4.3: a field has at most 1,100 characters; F-10: bodies of errors."""
    said = message(record("%s and %s", "x" * 5000, "short"))

    assert said == f"{'x' * 1100}... (5000 characters) and short"


@pytest.mark.parametrize(
    "arguments",
    [
        ("x" * 100000,) * 3,
        (b"x" * 100000,) * 3,
        (ValueError("x" * 100000),) * 3,
        (["x" * 9000],) * 3,
    ],
    ids=["text", "octets", "errors", "lists"],
)
def test_a_line_is_bounded_whatever_its_arguments(arguments: tuple[object, ...]) -> None:
    """Reliability 4.3."""
    assert len(klog_line(record("%s %s %s", *arguments))) < 5000


def test_an_exception_as_argument_is_escaped_like_any_text() -> None:
    """Errors of the API server carry its text."""
    said = message(record("list failed: %s", ValueError("<html>\n\x1b[31m")))

    assert said == r"list failed: <html>\010\027[31m"


def test_named_arguments_are_bounded_too() -> None:
    """Logging takes one dictionary as named arguments."""
    assert message(record("%(a)s", {"a": "x\n" * 9000})).startswith(r"x\010x\010")
    assert len(message(record("%(a)s", {"a": "x\n" * 9000}))) < 1200


class Spiteful:
    """Cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize("arguments", [("x", "y"), (Spiteful(),)], ids=["too many", "spiteful"])
def test_a_template_that_does_not_fit_is_said_and_raises_nothing(
    arguments: tuple[object, ...],
) -> None:
    """Logging never fails its caller."""
    assert message(record("count %d", *arguments)).startswith("log template 'count %d' does not")


def test_a_traceback_is_one_line() -> None:
    """One event is one line, also for exceptions."""
    with pytest.raises(ValueError, match="first") as caught:
        fail_below(1, "first\nsecond\x1b[2J")
    made = record("page failed", level=logging.ERROR, error=caught.value)

    line = klog_line(made)
    assert line.count("\n") == 1
    assert line.endswith("ValueError: first | second\\027[2J\n")
    assert " page failed | Traceback (most recent call last): | " in line
    assert json.loads(json_line(made))["error"].startswith("Traceback")


def test_the_end_of_a_long_traceback_is_kept() -> None:
    """The last line says what happened."""
    with pytest.raises(ValueError, match="the cause") as caught:
        fail_below(200, "the cause")

    line = klog_line(record("failed", error=caught.value))
    assert line.endswith("ValueError: the cause\n")
    assert len(line) < 9000


@given(st.text(), st.text())
def test_any_text_makes_one_printable_line_in_both_formats(template: str, argument: str) -> None:
    """Reliability 4.3, whatever the text."""
    for made in (record(template), record("%s", argument), record(template, argument)):
        for line in (klog_line(made), json_line(made)):
            assert line.endswith("\n")
            assert line[:-1].isprintable()
