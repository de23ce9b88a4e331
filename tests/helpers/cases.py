"""The text format of ``tests/scenarios/*/cases.txt``: questions and the whole replies to them.

::

    # T-23 what this shows                        title; begins the next case
    Q db.prod.svc.cluster.local. A,AAAA +norec    one question for each type; lines may repeat
    R NOERROR AA unordered                        the reply that all of them get
    AN db.prod.svc.cluster.local. 30 IN A 10.1.1.1
    AU ... AD ...                                 authority, additional (without OPT)
    EDE 20                                        EDE 0 loop: its text holds a word; EDE *: any

Whatever is not stated must not be there: no other record, no other flag. RA, RD, OPT and the
echoed question are the runner's business. A question is asked without and with EDNS unless it
says ``+edns=SIZE`` or ``+do``; ``+udp-only`` and ``+tcp-only`` restrict the transport.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

_SECTIONS = ("AN", "AU", "AD")
_FLAGS = frozenset({"AA", "TC", "AD", "CD"})


@dataclass(frozen=True, slots=True)
class Question:
    """One question and how it is asked.

    Attributes:
        options: words without their plus sign: ``norec``, ``do``, ``edns=512``, ``udp-only``.
    """

    name: str
    rtype: str
    rclass: str
    options: frozenset[str]

    def __str__(self) -> str:
        return f"{self.name} {self.rclass} {self.rtype}"


@dataclass(frozen=True, slots=True)
class Expected:
    """A whole reply, in presentation lines.

    Attributes:
        ede: (info code, word that its text holds); None for no extended error.
        any_ede: an extended error may or may not be there.
    """

    rcode: str
    flags: frozenset[str]
    unordered: bool
    sections: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ede: tuple[int, str] | None = None
    any_ede: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One question with its reply."""

    title: str
    question: Question
    expected: Expected

    def __str__(self) -> str:
        return f"{self.title}: {self.question}"


def parse(text: str) -> list[Case]:
    """Return the cases of a file, in order.

    Raises:
        ValueError: a line is none of the known ones, or a block lacks its title, Q or R.
    """
    return [case for block in _blocks(text) for case in _block(block)]


def _blocks(text: str) -> Iterator[list[str]]:
    rows = (line.strip() for line in text.splitlines())
    for blank, block in groupby(rows, key=lambda row: not row):
        if not blank:
            yield list(block)


def _block(rows: list[str]) -> Iterator[Case]:
    titles = [row[1:].strip() for row in rows if row.startswith("#")]
    rest = [row.partition(" ") for row in rows if not row.startswith("#")]
    if not rest:
        return  # a comment that stands alone
    asked = [text for word, _, text in rest if word == "Q"]
    if not titles or not asked:
        raise ValueError(f"a case needs a title and a question: {rows}")
    expected = _expected([(word, text) for word, _, text in rest if word != "Q"])
    for line in asked:
        for question in _questions(line):
            yield Case(titles[0], question, expected)


def _questions(line: str) -> Iterator[Question]:
    words = line.split()
    options = frozenset(word[1:] for word in words if word.startswith("+"))
    name, rtypes, *rclass = [word for word in words if not word.startswith("+")]
    for rtype in rtypes.split(","):
        yield Question(name, rtype, rclass[0] if rclass else "IN", options)


def _expected(rows: Iterable[tuple[str, str]]) -> Expected:
    (word, reply), *rest = rows
    if word != "R":
        raise ValueError(f"R must follow the questions, not {word}")
    unknown = {word for word, _ in rest} - {*_SECTIONS, "EDE"}
    rcode, *words = reply.split()
    unknown |= set(words) - _FLAGS - {"unordered"}
    if unknown:
        raise ValueError(f"unknown words: {sorted(unknown)}")
    errors = [text for word, text in rest if word == "EDE"]
    return Expected(
        rcode=rcode,
        flags=_FLAGS & set(words),
        unordered="unordered" in words,
        sections={
            section: tuple(text for word, text in rest if word == section) for section in _SECTIONS
        },
        ede=_ede(errors[0]) if errors and errors[0] != "*" else None,
        any_ede=errors == ["*"],
    )


def _ede(text: str) -> tuple[int, str]:
    code, _, word = text.partition(" ")
    return int(code), word
