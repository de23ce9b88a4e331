"""The folder listing is the architecture, and each module has its own tests (rules 1, 13, 21)."""

import ast
import importlib
import re
from pathlib import Path

from tests.house.source import PACKAGE, TESTS, Module, imports, modules, project

VAGUE = {"utils", "util", "common", "helpers", "helper", "manager", "core", "base", "misc"}

MIRROR_EXCEPTIONS = {
    "__main__.py": "two lines; tests/integration starts the process by it",
    "app.py": "the process as a whole: tests/integration",
    "program.py": "the same",
    "upstream/exchange.py": "Protocols and an enumeration: tests of those who implement them",
}
"""Modules without a test file of their own, each with the reason."""


def own_tests(name: str) -> list[Path]:
    """Return a module's test files: ``test_x.py``, or ``test_x_<part>.py`` where one is too long.

    ``test_x_y.py`` belongs to ``x_y.py`` alone where that exists.
    """
    room, _, file = f"/{name}".rpartition("/")
    folder, stem = room.strip("/"), file.removesuffix(".py")
    named = sorted((TESTS / folder).glob(f"test_{stem}.py"))
    parts = [
        path
        for path in sorted((TESTS / folder).glob(f"test_{stem}_*.py"))
        if not (PACKAGE / folder / path.name.removeprefix("test_")).exists()
    ]
    return named + parts


def has_functions(module: Module) -> bool:
    """Return whether there is anything to run: a file of types alone is tested by its readers."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(module.tree)
    )


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    """House rule 1: rooms are nouns of DNS or Kubernetes."""
    found = [
        module.name
        for module in modules()
        if VAGUE & set(module.name[:-3].replace("/", "_").split("_"))
    ]

    assert found == []


def test_every_module_has_its_own_tests_in_the_same_place() -> None:
    """House rule 21: mirror of the package."""
    missing = [
        module.name
        for module in modules()
        if not module.name.endswith("__init__.py")
        and module.name not in MIRROR_EXCEPTIONS
        and has_functions(module)
        and not own_tests(module.name)
    ]

    assert missing == []


def test_every_exception_to_the_mirror_is_still_one() -> None:
    """A list of exceptions that nobody needs any more hides the next one."""
    for name in MIRROR_EXCEPTIONS:
        assert (PACKAGE / name).exists(), name
        assert own_tests(name) == [], name


def test_every_test_file_mirrors_a_module() -> None:
    """House rule 21, the other way round: a test file whose module is gone is gone too."""
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    mirrored = {path for module in modules() for path in own_tests(module.name)}

    orphans = {path for room in rooms for path in (TESTS / room).glob("test_*.py")} - mirrored

    assert orphans == set()


def test_no_module_takes_a_private_name_of_another() -> None:
    """House rule 10: what crosses a file's border has a public name."""
    # in one of the two forms that ruff format gives an import; files without it are not parsed
    perhaps = re.compile(r"^ *(?:from .* import .*(?:\b_|\*)|_\w+(?: as \w+)?,)", re.MULTILINE)

    found = [
        f"{module.name}: {source}.{name}"
        for tree in (PACKAGE, TESTS)
        for module in modules(tree)
        if perhaps.search(module.text)
        for source, names in imports(module)
        if source.startswith(("kubedns_py", "tests"))
        for name in names
        if name == "*" or (name.startswith("_") and not name.startswith("__"))
    ]

    assert found == []


def test_a_rooms_init_is_a_docstring_and_nothing_else() -> None:
    """House rule 27: no import side effects; cli/__init__.py holds the table of commands."""
    found = [
        module.name
        for module in modules()
        if module.name.endswith("/__init__.py") and module.room != "cli"
        for statement in module.tree.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    ]

    assert found == []


def test_every_name_that_a_module_exports_by_list_exists_there() -> None:
    """House rule 23: exports."""
    for module in modules():
        dotted = "kubedns_py." + module.name[:-3].replace("/", ".").removesuffix("__init__")
        if "__all__" in module.text:
            loaded = importlib.import_module(dotted.rstrip("."))
            assert sorted(set(loaded.__all__)) == list(loaded.__all__), module.name
            assert all(hasattr(loaded, name) for name in loaded.__all__), module.name


def test_the_command_starts_the_same_function_as_the_package() -> None:
    """Packaging (ecosystem 6.4): console script kubedns-py and python -m kubedns_py."""
    (main,) = [module for module in modules() if module.name == "__main__.py"]

    assert project()["project"]["scripts"] == {"kubedns-py": "kubedns_py.cli:main"}
    assert ("kubedns_py.cli", ("main",)) in list(imports(main))
    assert callable(importlib.import_module("kubedns_py.cli").main)
