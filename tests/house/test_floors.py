"""Imports point down, and the core does no I/O (docs/architecture.md, floors)."""

import ast
import subprocess
import sys

from tests.house.source import CORE, PACKAGE, REPOSITORY, modules, place, project


def test_every_import_contract_is_kept() -> None:
    """House rule 2: one-way floors, checked by a machine.

    In a process of its own: import-linter sets up logging for the whole process.
    """
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    linted = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", lint, "--no-cache"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert " 0 broken" in linted.stdout


def test_the_floors_are_exhaustive() -> None:
    """House rule 2: a new room does not pass until its floor is declared."""
    floors = project()["tool"]["importlinter"]["contracts"][0]

    assert floors["type"] == "layers"
    assert floors["exhaustive"] is True
    assert "exhaustive_ignores" not in floors
    declared = {room.strip() for layer in floors["layers"] for room in layer.split("|")}
    assert declared == {
        path.stem
        for path in PACKAGE.iterdir()
        if path.name != "__init__.py" and (path.suffix == ".py" or (path / "__init__.py").exists())
    }


def test_no_task_runs_in_the_core() -> None:
    """House rules 3 and 6: readers never see half a change, because nothing awaits there."""
    waits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)

    found = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        if module.room in CORE
        for node in ast.walk(module.tree)
        if isinstance(node, waits)
    ]

    assert found == []


def test_no_module_changes_its_own_globals() -> None:
    """House rule 27: no module-level mutable state."""
    found = [
        place(module, node)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Global)
    ]

    assert found == []


def test_a_container_at_the_top_of_a_module_is_a_table_in_capitals() -> None:
    """House rule 27: what may be mutated by type is at least named as what nobody mutates."""
    containers = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)

    found = [
        place(module, node)
        for module in modules()
        for node in module.tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, containers)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if not ast.unparse(target).isupper() and ast.unparse(target) != "__all__"
    ]

    assert found == []


def test_no_class_inherits_behaviour_from_another_of_ours() -> None:
    """House rule 27: only exceptions, enums and Protocols inherit; layouts may be extended."""
    ours = {
        node.name: node
        for module in modules()
        if module.name != "errors.py"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    }

    found = [
        f"{node.name}({base.id})"
        for node in ours.values()
        for base in node.bases
        if isinstance(base, ast.Name)
        and base.id in ours
        and any(
            isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) for each in ours[base.id].body
        )
    ]

    assert found == []
