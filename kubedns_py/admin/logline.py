r"""What one log line looks like.

Rules of this file:

- Whatever the text, the result is one printable line. Escapes are those of RFC 4343, 2.1 (``\DDD``,
  decimal) below 256 and ``\uXXXX`` above; a backslash stays as it is, since names arrive escaped.
- Data is never a format string: ``%`` fills a template of ours with arguments, once.
"""

import logging
import time
import traceback
from collections.abc import Mapping

MAX_FIELD = 1100
"""Characters of one argument: a name of 255 octets, each as ``\\DDD``, and some more."""

MAX_MESSAGE = 4 * MAX_FIELD
_MAX_TRACE = 8000

_LETTERS = {"DEBUG": "I", "INFO": "I", "WARNING": "W", "ERROR": "E", "CRITICAL": "F"}
_DEBUG_VERBOSITY = 3


def klog_line(record: logging.LogRecord) -> str:
    """Return klog's form, ``I1123 06:11:10.123456       1 file.py:12] text``, with its line end."""
    clock = time.strftime("%m%d %H:%M:%S", time.localtime(record.created))
    micros = int(record.created % 1 * 1e6)
    letter = _LETTERS.get(record.levelname, "I")
    text = " | ".join(part for part in (message(record), trace(record)) if part)
    caller = f"{escaped(record.filename)}:{record.lineno}"
    return f"{letter}{clock}.{micros:06d} {record.process or 0:7d} {caller}] {text}\n"


def json_line(record: logging.LogRecord) -> str:
    """Return one JSON object with its line end: ts in seconds, level, v, msg, caller, logger."""
    import json  # noqa: PLC0415 - a start asks the API server first, and most log lines are text

    fields: dict[str, object] = {
        "ts": round(record.created, 6),
        "level": record.levelname.lower(),
        "v": _DEBUG_VERBOSITY if record.levelno < logging.INFO else 0,
        "msg": message(record),
        "caller": f"{record.filename}:{record.lineno}",
        "logger": record.name,
    }
    error = trace(record)
    if error:
        fields["error"] = error
    return json.dumps(fields) + "\n"


def message(record: logging.LogRecord) -> str:
    """Return a record's text: escaped, with every argument and the whole bounded."""
    template = str(record.msg)
    try:
        text = template % _bounded(record.args) if record.args else template
    except Exception as error:  # noqa: BLE001 - an argument's own __str__ may raise anything; said
        text = f"log template {template!r} does not fit its arguments: {type(error).__name__}"
    held_back: int = getattr(record, "suppressed", 0)
    more = f" ({held_back} suppressed)" if held_back else ""
    return escaped(text, limit=MAX_MESSAGE) + more


def trace(record: logging.LogRecord) -> str:
    """Return a record's traceback as one line, of which the end is kept; empty when it has none."""
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    lines = "".join(traceback.format_exception(record.exc_info[1])).splitlines()
    return escaped(" | ".join(line.strip() for line in lines)[-_MAX_TRACE:], limit=_MAX_TRACE)


def escaped(text: str, *, limit: int = MAX_FIELD) -> str:
    """Return text of any origin as printable characters, cut after ``limit`` of them."""
    short = text if len(text) <= limit else text[:limit]
    if not short.isprintable():
        short = "".join(each if each.isprintable() else _escape(each) for each in short)
    if len(short) > limit or len(text) > limit:
        return f"{short[:limit]}... ({len(text)} characters)"
    return short


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\{code:03d}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _bounded(arguments: object) -> object:
    if isinstance(arguments, Mapping):
        return {name: _bounded_one(value) for name, value in arguments.items()}
    return tuple(map(_bounded_one, arguments)) if isinstance(arguments, tuple) else arguments


def _bounded_one(value: object) -> object:
    """Cut long text. Exceptions carry text of the other side; they are for people, too."""
    if isinstance(value, BaseException):
        return escaped(str(value))
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, bytes):
        return value[:MAX_FIELD]
    return value
