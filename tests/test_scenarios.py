"""One runner for all scenarios, through every door that an answer can come from.

Rules of this file:

- The doors are: the resolver without octets, ``respond`` in memory as over UDP and as over TCP,
  and real UDP and TCP sockets on loopback. The same lines are expected of all of them.
- dnspython reads every reply. A case states the whole message; see ``tests/helpers/cases.py``.
- Expected values come from the specification's rows, never from what the program said.
"""

import functools
import re
import socket
from collections.abc import Iterable
from pathlib import Path

import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

from kubedns_py.cluster.objects import Address
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import IN, RRset
from kubedns_py.resolver.complete import complete, declined
from kubedns_py.resolver.resolve import ALIAS_LOOP, resolve
from kubedns_py.resolver.rules import RULES
from kubedns_py.resolver.view import Resolution
from kubedns_py.server.arrival import IPV4, Arrival
from tests.helpers.cases import Case, parse
from tests.helpers.compare import (
    differences,
    expected_errors,
    is_asked_over,
    queries,
    sections,
    unlike,
)
from tests.helpers.lines import lines
from tests.helpers.scenario import SCENARIOS, LoadedScenario, load
from tests.helpers.served import over_tcp, over_udp, serving

LOOPBACK = Address(socket.inet_aton("127.0.0.1"))
ARRIVALS = {"udp": Arrival("udp", IPV4, LOOPBACK), "tcp": Arrival("tcp", IPV4, LOOPBACK)}
FOLDERS = sorted(folder for folder in SCENARIOS.iterdir() if folder.is_dir())
"""Each holds cluster.yaml and cases.txt, perhaps options.txt and upstream.txt."""

TESTED_ELSEWHERE = {
    # over UDP and TCP, with sets too large for a text file: server/test_respond_answers.py
    *(58, 59),
    # messages that are no questions: server/test_respond_messages.py, server/test_respond_edns.py
    *(55, 56, 57),
    # time has to pass: resolver/test_staleness.py, integration/test_changes.py
    61,
}


@functools.cache
def scenario(folder: Path) -> LoadedScenario:
    """Load a folder once; questions change nothing."""
    return load(folder)


@functools.cache
def cases(folder: Path) -> list[Case]:
    """Return the cases of a folder."""
    return parse((folder / "cases.txt").read_text("utf-8"))


ALL = [
    pytest.param(folder, case, id=f"{folder.name} {case}")
    for folder in FOLDERS
    for case in cases(folder)
]
by_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


@pytest.mark.parametrize(("folder", "case"), ALL)
def test_respond_gives_the_whole_message_that_the_scenario_states(folder: Path, case: Case) -> None:
    """Every row of behaviour that the case's title names, as over UDP and as over TCP."""
    loaded = scenario(folder)
    found = [
        f"{proto} {line}"
        for proto, arrival in ARRIVALS.items()
        if is_asked_over(case.question, proto)
        for query in queries(case.question)
        for line in differences(case, query, loaded.reply(query, arrival), forwards=loaded.forwards)
    ]
    assert not found, "\n  ".join([str(case), *found])


@pytest.mark.parametrize(("folder", "case"), ALL)
def test_the_resolver_alone_says_what_the_scenario_states(folder: Path, case: Case) -> None:
    """The same cases without octets: no transport has a part in what is true."""
    reply = _resolution(folder, case).reply
    errors = ((reply.ede.code, reply.ede.text),) if reply.ede else ()
    found = unlike(
        {
            "rcode": (case.expected.rcode, dns.rcode.to_text(dns.rcode.Rcode(reply.rcode))),
            "AA": ("AA" in case.expected.flags, reply.authoritative),
            "EDE": (expected_errors(case, errors), errors),
            **sections(
                case,
                {
                    "AN": _in_class(case.question.rclass, reply.answer),
                    "AU": _in_class(case.question.rclass, reply.authority),
                    "AD": _in_class(case.question.rclass, reply.additional),
                },
                fold=True,
            ),
        }
    )
    assert not found, "\n  ".join([str(case), *found])


@by_folder
async def test_udp_carries_every_case_of_the_scenario(folder: Path) -> None:
    """Through a socket on loopback, one query after the other."""
    async with serving(scenario(folder).respond) as port, over_udp(port) as ask:
        found = [
            f"{case}: {line}"
            for case in cases(folder)
            if is_asked_over(case.question, "udp")
            for query in queries(case.question)
            for line in differences(
                case, query, await ask(query), forwards=scenario(folder).forwards
            )
        ]
    assert not found, "\n  ".join(found)


@by_folder
async def test_tcp_carries_every_case_of_the_scenario(folder: Path) -> None:
    """Through one connection on loopback, one query after the other."""
    async with serving(scenario(folder).respond) as port, over_tcp(port) as ask:
        found = [
            f"{case}: {line}"
            for case in cases(folder)
            if is_asked_over(case.question, "tcp")
            for query in queries(case.question)
            for line in differences(
                case, query, await ask(query), forwards=scenario(folder).forwards
            )
        ]
    assert not found, "\n  ".join(found)


def test_every_rule_of_the_resolver_decides_some_case() -> None:
    """A rule that no scenario needs is either dead or not specified."""
    decided = {_resolution(folder, case).rule for folder in FOLDERS for case in cases(folder)}
    assert decided == {rule.__name__ for rule in RULES} | {ALIAS_LOOP}


def test_every_row_of_the_target_table_is_stated_somewhere() -> None:
    """Behaviour 1.0: T-1 to T-65."""
    titles = " ".join(case.title for folder in FOLDERS for case in cases(folder))
    stated = {int(number) for number in re.findall(r"\bT-(\d+)\b", titles)}
    assert set(range(1, 66)) - stated == TESTED_ELSEWHERE


@by_folder
def test_a_scenario_is_named_by_its_section_of_the_specification(folder: Path) -> None:
    """So that a reader finds the rows that it states."""
    assert re.fullmatch(r"1\.\d+_[a-z0-9_]+", folder.name)
    files = {path.name for path in folder.iterdir()}
    needed = {"cluster.yaml", "cases.txt"}
    assert needed <= files <= needed | {"options.txt", "upstream.txt"}


def _resolution(folder: Path, case: Case) -> Resolution:
    question, loaded = case.question, scenario(folder)
    view, do = loaded.core.view, "do" in question.options
    found = resolve(
        from_text(question.name),
        int(dns.rdatatype.from_text(question.rtype)),
        int(dns.rdataclass.from_text(question.rclass)),
        view,
        asked=LOOPBACK,
        do=do,
    )
    if found.onward is not None and "norec" in question.options:
        return declined(found)
    while found.onward is not None:
        ask = Ask(found.onward.name, found.onward.question.qtype, IN, do)
        said = loaded.upstreams.fetch(ask, "192.0.2.200", _never)
        assert said is not None
        found = complete(found, said, view)
    return found


def _never(reply: Reply) -> None:
    raise AssertionError(f"the script says everything at once, not later: {reply}")


def _in_class(rclass: str, rrsets: Iterable[RRset]) -> tuple[str, ...]:
    return tuple(line for rrset in rrsets for line in lines(_as_dnspython_reads(rclass, rrset)))


def _as_dnspython_reads(rclass: str, rrset: RRset) -> list[dns.rrset.RRset]:
    owner = dns.name.Name((*rrset.owner, b""))
    number = dns.rdataclass.from_text(rclass)
    return [
        dns.rrset.from_rdata(
            owner,
            rrset.ttl,
            dns.rdata.from_wire(number, dns.rdatatype.RdataType(rrset.rtype), data, 0, len(data)),
        )
        for data in rrset.rdatas
    ]
