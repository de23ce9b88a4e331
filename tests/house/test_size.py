"""Files and functions stay small enough to be read (house rules 14 and 25)."""

import ast

import pytest

from tests.house.source import Module, modules, place

MAX_FILE = 400
MAX_FUNCTION = 50
MAX_FILE_DOCSTRING = 12

Function = ast.FunctionDef | ast.AsyncFunctionDef


def statements(function: Function) -> int:
    """Return the lines of a function after its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    end = function.end_lineno or function.lineno
    return end - body[0].lineno + 1 if body else 0


def every(module: Module) -> list[Function]:
    """Return the functions of a file, methods and nested ones too."""
    return [node for node in ast.walk(module.tree) if isinstance(node, Function)]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_a_file_is_at_most_400_lines(module: Module) -> None:
    """House rule 25: 80 to 250 lines, hard limit 400."""
    assert module.text.count("\n") <= MAX_FILE


def test_a_function_is_at_most_50_lines() -> None:
    """House rule 25: aim for 25, limit 50; the docstring is not counted."""
    long = [
        f"{place(module, function)} {function.name}: {statements(function)}"
        for module in modules()
        for function in every(module)
        if statements(function) > MAX_FUNCTION
    ]

    assert long == []


def test_a_file_says_what_it_is_responsible_for_in_twelve_lines() -> None:
    """House rule 14: responsibility, then the rules that hold."""
    wrong = [
        module.name
        for module in modules()
        if not 0 < len((ast.get_docstring(module.tree) or "").splitlines()) <= MAX_FILE_DOCSTRING
    ]

    assert wrong == []
