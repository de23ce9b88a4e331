"""The command line: a table of commands, and what becomes of their failures.

Rules of this file:

- A command is a module with ``run(arguments, program) -> exit code``, imported only when it is
  asked for: offline commands start without the Kubernetes client.
- Exit codes: 0 done, 1 could not start or failed, 2 wrong usage. A failure is one line on standard
  error.
"""

import gc
import importlib
import sys
from collections.abc import Sequence

from kubedns_py import __version__
from kubedns_py.errors import StartError, UsageError

PROGRAM = "kubedns-py"

COMMANDS = {
    "serve": "answer DNS for a cluster, or for a directory of manifests",
}
"""Command to what it does. The module has the command's name."""

_INTERRUPTED = 130

_STARTING = 100_000
"""New objects after which the garbage collector looks at them, until the command says otherwise.
What a start makes are modules, and then the cluster: it stays, and looking at it is in vain. A sync
that never comes leaves no more garbage than these."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code.

    Args:
        argv: without the program's name; ``sys.argv`` when not given.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(arguments)
    except UsageError as error:
        return _fail(error, code=2)
    except StartError as error:
        return _fail(error, code=1)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except SystemExit as leaving:  # argparse, after --help
        return leaving.code if isinstance(leaving.code, int) else 0


def usage() -> str:
    """Return what ``kubedns-py`` says of itself."""
    width = max(map(len, COMMANDS))
    commands = [f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items()]
    hint = f"{PROGRAM} COMMAND --help lists the options of a command."
    return "\n".join([f"usage: {PROGRAM} COMMAND [--option value]...", "", *commands, "", hint])


def _run(arguments: list[str]) -> int:
    match arguments:
        case []:
            print(usage(), file=sys.stderr)  # noqa: T201 - the command line's output
            return 2
        case ["-h" | "--help" | "help", *_]:
            print(usage())  # noqa: T201 - same
            return 0
        case ["--version", *_]:
            print(f"{PROGRAM} {__version__}")  # noqa: T201 - same
            return 0
        case [command, *rest] if command in COMMANDS:
            gc.set_threshold(_STARTING)
            module = importlib.import_module(f"kubedns_py.cli.{command}")
            code: int = module.run(rest, f"{PROGRAM} {command}")
            return code
        case [first, *_]:
            raise UsageError(_unknown(first))
    raise AssertionError(arguments)


def _unknown(first: str) -> str:
    shown = repr(first[:80])
    if first.startswith("-"):
        return f"{shown}: the command comes first; try {PROGRAM} serve {shown[1:-1]}"
    import difflib  # noqa: PLC0415 - few are mistaken, and every start would pay for it

    close = difflib.get_close_matches(first, COMMANDS, n=1)
    known = f"did you mean {close[0]}?" if close else f"there is {', '.join(COMMANDS)}"
    return f"{shown} is no command; {known}"


def _fail(error: Exception, *, code: int) -> int:
    text = " ".join(str(error).split())
    print(f"{PROGRAM}: {text}", file=sys.stderr)  # noqa: T201 - the command line's output
    return code
