"""How a case is asked, and every way in which a reply is not the one that it states.

Rules of this file:

- What no case mentions is checked here for all of them: ID, RD and the question are copied octet
  for octet; OPT is there exactly if the query had one, with version 0, DO copied and no option
  but an extended error; RA says whether there is a forward path.
- Nothing is computed: both sides are compared as lists of lines.
"""

import functools

import dns.flags

from tests.helpers import oracle
from tests.helpers.cases import Case, Question

PAYLOAD = 1232

Fact = tuple[object, object]
"""What is expected, and what was found."""


@functools.cache
def queries(question: Question) -> tuple[bytes, ...]:
    """Return the query without EDNS and with it, or only as the question says."""
    options = dict(option.partition("=")[::2] for option in question.options)
    flags = 0 if "norec" in options else int(dns.flags.RD)
    ask = functools.partial(oracle.query, question.name, question.rtype, question.rclass)
    if "edns" in options or "do" in options:
        size = int(options.get("edns") or PAYLOAD)
        return (ask(edns=size, dnssec_ok="do" in options, flags=flags),)
    return ask(flags=flags), ask(edns=PAYLOAD, flags=flags)


def is_asked_over(question: Question, proto: str) -> bool:
    """Tell whether a question is meant for a transport, ``udp`` or ``tcp``."""
    other = {"udp": "tcp-only", "tcp": "udp-only"}[proto]
    return other not in question.options


def differences(
    case: Case, query: bytes, reply: bytes | None, *, forwards: bool = False
) -> list[str]:
    """Return one line for each way in which a reply is not the expected one.

    Args:
        case: what is expected.
        query: what was asked.
        reply: what came back.
        forwards: whether a forward path exists, which RA says (ENV-3).
    """
    if reply is None:
        return ["no reply"]
    asked, got = oracle.read(query), oracle.read(reply)
    copied = asked.flags & {"RD"}
    always = {"QR", "RA"} if forwards else {"QR"}
    facts: dict[str, Fact] = {
        "rcode": (case.expected.rcode, got.rcode),
        "flags": (case.expected.flags | always | copied, got.flags),
        "id": (asked.message_id, got.message_id),
        "question": (oracle.question_octets(query), oracle.question_octets(reply)),
        "OPT": (_opt(asked.edns), _opt(got.edns)),
        "EDE": _errors(case, asked.edns, got.edns),
        **sections(case, {"AN": got.answer, "AU": got.authority, "AD": got.additional}),
    }
    return unlike(facts)


def sections(case: Case, got: dict[str, tuple[str, ...]], *, fold: bool = False) -> dict[str, Fact]:
    """Return what each section should hold and holds.

    Args:
        case: what is expected.
        got: presentation lines by section.
        fold: names in the answer were folded; outside the answer they may be spelled as the client
            spelled them, where they end as the question does (ENV-8).
    """

    def comparable(section: str, rows: tuple[str, ...]) -> tuple[str, ...]:
        if fold or section != "AN":
            rows = tuple(row.lower() for row in rows)
        return tuple(sorted(rows)) if case.expected.unordered else rows

    return {
        section: (comparable(section, stated), comparable(section, got[section]))
        for section, stated in case.expected.sections.items()
    }


def unlike(facts: dict[str, Fact]) -> list[str]:
    """Return a line for each fact that is not as expected."""
    return [
        f"{name}: expected {_shown(wanted)}, got {_shown(found)}"
        for name, (wanted, found) in facts.items()
        if wanted != found
    ]


def _opt(edns: oracle.Edns | None) -> object:
    return None if edns is None else (f"version {edns.version}", edns.flags, edns.others)


def _errors(case: Case, asked: oracle.Edns | None, got: oracle.Edns | None) -> Fact:
    found = got.errors if got else ()
    return (expected_errors(case, found) if asked else ()), found


def expected_errors(case: Case, found: tuple[tuple[int, str], ...]) -> tuple[tuple[int, str], ...]:
    """Return the extended errors that a reply should have; their text only has to hold a word."""
    if case.expected.any_ede:
        return found
    if case.expected.ede is None:
        return ()
    code, word = case.expected.ede
    text = next((text for number, text in found if number == code and word in text), word)
    return ((code, text),)


def _shown(value: object) -> str:
    if isinstance(value, frozenset):
        return " ".join(sorted(value)) or "none"
    if isinstance(value, tuple):
        return "".join(f"\n      {row}" for row in value) or "nothing"
    return repr(value)
