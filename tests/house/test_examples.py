"""What the documents say that a `dig` answers is what the server answers (house rule 23).

Every `$ dig @127.0.0.1 -p 10053 +short ...` line of a document is asked of the real process, which
serves examples/ as `make run` does, but on a free port; the lines below it are its answer.
"""

import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.reversename
import pytest

from tests.helpers.ports import free_port
from tests.house.source import REPOSITORY

START_S = 20.0
DEADLINE_S = 10.0
ADDRESS = "127.0.0.1"
DIG = f"dig @{ADDRESS} -p 10053 +short "


def shown_by_documents() -> Iterator[tuple[str, list[str]]]:
    """Yield the arguments of each `dig` and the lines that it should print."""
    for path in (REPOSITORY / "README.md", REPOSITORY / "examples" / "README.md"):
        for block in re.findall(r"```console\n(.*?)```", path.read_text(), re.DOTALL):
            for command, *printed in (part.splitlines() for part in block.split("$ ")[1:]):
                if command.startswith(DIG):
                    yield command.removeprefix(DIG), sorted(printed)


def shown_by_make_run() -> Iterator[tuple[str, str]]:
    """Yield the arguments of each `dig` that `make run` prints, and what it says comes."""
    text = (REPOSITORY / "Makefile").read_text()
    yield from re.findall(rf"'{re.escape(DIG)}(.*?)\s+says (.*)'", text)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve examples/ until the tests of this file are done; the port is ready when yielded."""
    free = free_port()
    command = [sys.executable, "-m", "kubedns_py", "serve", "--manifests=examples"]
    command += [f"--dns-bind-address={ADDRESS}", f"--dns-port={free}"]
    command += ["--healthz-port=0", "--metrics-port=0", "--lameduck=0s"]
    with subprocess.Popen(  # noqa: S603 - our own words
        command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
    ) as process:
        late = threading.Timer(START_S, process.kill)
        late.start()
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "first sync complete" in line:
                break
        late.cancel()
        assert "first sync complete" in said[-1], said
        yield free
        process.terminate()
        process.stderr.read()
    assert process.returncode == 0


def answer(port: int, arguments: str) -> list[str]:
    """Return what `dig +short` prints for these arguments, in order of the text."""
    words = shlex.split(arguments)
    if words[0] == "-x":
        question, rtype = dns.reversename.from_address(words[1]).to_text(), "PTR"
    else:
        question, rtype = words[0], words[1] if words[1:] else "A"
    query = dns.message.make_query(question, rtype)
    response = dns.query.udp(query, ADDRESS, DEADLINE_S, port)
    assert response.rcode() == dns.rcode.NOERROR
    return sorted(rdata.to_text() for rrset in response.answer for rdata in rrset)


@pytest.mark.parametrize(("arguments", "printed"), list(shown_by_documents()))
def test_a_dig_of_a_document_prints_what_the_document_shows(
    port: int, arguments: str, printed: list[str]
) -> None:
    """House rule 23: doc examples executed."""
    assert answer(port, arguments) == printed


@pytest.mark.parametrize(("arguments", "said"), list(shown_by_make_run()))
def test_make_run_says_what_comes(port: int, arguments: str, said: str) -> None:
    """Makefile: the first lines that a newcomer types."""
    assert answer(port, arguments) == said.split(" and ")


def test_three_lines_are_shown_and_the_documents_show_some() -> None:
    """A pattern that finds nothing would test nothing."""
    assert len(list(shown_by_make_run())) == 3
    assert len(list(shown_by_documents())) >= 3


def test_the_examples_are_what_make_run_serves() -> None:
    """Makefile: --manifests=examples, relative to the repository."""
    assert "--manifests=examples" in (REPOSITORY / "Makefile").read_text()
    assert list(Path(REPOSITORY / "examples").glob("*.yaml"))
