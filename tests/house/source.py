"""The project's own files, read once, for tests that look at the code instead of running it."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "kubedns_py"
TESTS = REPOSITORY / "tests"

CORE = ("dns", "cluster", "zone", "resolver")
"""The rooms without I/O, clock and chance (docs/architecture.md, floors 1 to 4)."""


@dataclass(frozen=True)  # no slots: the tree is kept once somebody looks at it
class Module:
    """A Python file. ``name`` is its path below its tree, such as ``dns/name.py``."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """What the text says. Most questions to the tests' files need the text alone."""
        return ast.parse(self.text)

    @property
    def room(self) -> str:
        """The first folder of its path; empty for a file at the top."""
        return self.name.partition("/")[0] if "/" in self.name else ""


@cache
def modules(root: Path = PACKAGE) -> tuple[Module, ...]:
    """Return every Python file below ``root``, in the order of their names."""
    return tuple(
        Module(path.relative_to(root).as_posix(), path.read_text())
        for path in sorted(root.rglob("*.py"))
    )


@cache
def project() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


def imports(module: Module) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each imported module with the names taken from it; no names for ``import x``."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or ""), tuple(each.name for each in node.names)


def imported_packages(module: Module) -> set[str]:
    """Return the top-level names that a file imports."""
    return {name.partition(".")[0] for name, _ in imports(module)}


def place(module: Module, node: ast.stmt | ast.expr | ast.ExceptHandler) -> str:
    """Return where something stands, such as ``dns/name.py:12``."""
    return f"{module.name}:{node.lineno}"
