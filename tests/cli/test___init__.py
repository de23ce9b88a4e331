"""The command line: usage, exit codes, and one line for each failure."""

import gc
import importlib
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from kubedns_py import __version__
from kubedns_py.cli import COMMANDS, main, usage


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave nothing of a start in the process of the tests: it goes on without a server."""
    threshold, handler = gc.get_threshold(), signal.getsignal(signal.SIGTERM)
    yield
    gc.set_threshold(*threshold)
    signal.signal(signal.SIGTERM, handler)


def test_without_a_command_usage_is_shown_and_the_code_is_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit: 0 clean, 2 usage, 1 run time (ecosystem 6.2)."""
    assert main([]) == 2

    out, err = capsys.readouterr()
    assert (out, err) == ("", usage() + "\n")
    assert err.startswith("usage: kubedns-py COMMAND [--option value]...\n")
    assert "  serve  " in err


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_is_shown_on_standard_output(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What was asked for goes to standard output, so that it can be read with a pager."""
    assert main([word]) == 0
    assert capsys.readouterr() == (usage() + "\n", "")


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """kube-dns --version."""
    assert main(["--version"]) == 0
    assert main(["serve", "--version"]) == 0
    assert capsys.readouterr().out == f"kubedns-py {__version__}\n" * 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sreve"], "kubedns-py: 'sreve' is no command; did you mean serve?\n"),
        (["qq"], f"kubedns-py: 'qq' is no command; there is {', '.join(COMMANDS)}\n"),
        (
            ["--domain=a.b"],
            "kubedns-py: '--domain=a.b': the command comes first; try kubedns-py serve --dom",
        ),
        (["a\nb\x1b[2J"], "kubedns-py: 'a\\nb\\x1b[2J' is no command; there is "),
        (["serve", "--ttl=4000"], "kubedns-py: --ttl: 4000 is above 3600; give 0 to 3600\n"),
        (["serve", "--tll=1"], "kubedns-py: --tll: no such option; did you mean --ttl?\n"),
    ],
)
def test_wrong_usage_is_one_line_and_the_code_is_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad input gets one clear line: the thing, what is wrong, what to do."""
    assert main(arguments) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(said)
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_table_has_its_module(command: str) -> None:
    """One file per command (docs/architecture.md)."""
    assert callable(importlib.import_module(f"kubedns_py.cli.{command}").run)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["serve", "--help"], ["serve", "--ttl=4000"]], ids=" ".join
)
def test_what_needs_no_cluster_starts_without_the_client(arguments: list[str]) -> None:
    """Importing the Kubernetes client takes as long as all the rest."""
    program = (
        "import sys\n"
        "from kubedns_py.cli import main\n"
        f"main({arguments!r})\n"
        "sys.exit('kubernetes_asyncio' in sys.modules)\n"
    )

    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", program], capture_output=True, check=False, timeout=30
    )

    assert done.returncode == 0, done.stderr
