"""What the package must not do, whoever writes it (reliability 4.5)."""

import ast
import re

import pytest

from tests.house.source import PACKAGE, REPOSITORY, TESTS, imported_packages, modules, place

NEVER_IMPORTED = {
    "pickle": "it runs what it reads",
    "marshal": "it reads what nobody checked",
    "shelve": "it is pickle",
    "subprocess": "the server starts no program",
    "multiprocessing": "it is pickle between processes",
}

WRITES_MEMORY = {
    "server/mmsg.py": "system calls that the socket module lacks",
    "upstream/sockets.py": "connect(2) to nowhere and recv(2) of nothing; it hands over no memory",
}
"""Where the module ctypes may be used, and for what: it writes past the end of things."""

MAY_BE_GUESSED = {
    "program.py": "which of several addresses comes first in an answer",
    "sources/watch.py": "how long the pause before the next try is",
}
"""Where the module random may be used, and for what; whatever else must be unguessable."""

NEVER_CALLED = {"eval", "exec", "compile", "__import__", "os.system", "time.sleep", "input"}
NEVER_CALLED |= {"gc.collect"}  # it holds the loop while it walks the whole cluster (F-06)


@pytest.mark.parametrize("name", NEVER_IMPORTED)
def test_the_package_never_imports(name: str) -> None:
    """Code-level rules (reliability 4.5)."""
    found = [module.name for module in modules() if name in imported_packages(module)]

    assert found == [], NEVER_IMPORTED[name]


def test_chance_that_can_be_guessed_is_used_where_nobody_gains_by_guessing() -> None:
    """Code-level rules (reliability 4.5): secrets or os.urandom for whatever is on the wire."""
    users = {module.name for module in modules() if "random" in imported_packages(module)}

    assert users == MAY_BE_GUESSED.keys()


def test_memory_is_written_by_hand_in_the_files_that_need_it() -> None:
    """What a mistake there does is seen in no traceback."""
    users = {module.name for module in modules() if "ctypes" in imported_packages(module)}

    assert users == WRITES_MEMORY.keys()


def test_the_package_never_calls_what_runs_text_or_blocks() -> None:
    """Code-level rules (reliability 4.5): no eval; the loop is never put to sleep."""
    found = [
        f"{place(module, node)} {ast.unparse(node.func)}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in NEVER_CALLED
    ]

    assert found == []


def test_yaml_is_read_with_a_loader_that_makes_no_objects() -> None:
    """Code-level rules (reliability 4.5): no yaml.load; its loaders make what a text names."""
    makes_objects = re.compile(r"yaml\.((unsafe_|full_)?load(_all)?|C?(Unsafe|Full)?Loader)")

    found = [
        f"{place(module, node)} {ast.unparse(node)}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and makes_objects.fullmatch(ast.unparse(node))
    ]

    assert found == []


def test_an_exception_that_is_passed_over_has_its_reason_beside_it() -> None:
    """House rule of errors: no swallowed exception; where none is needed, the line says why."""
    found = [
        place(module, node)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and isinstance(node.body[0], ast.Pass)
        and not re.search(r"pass +# \S", module.text.splitlines()[node.body[0].lineno - 1])
    ]

    assert found == []


def test_every_silenced_warning_names_its_code_and_its_reason() -> None:
    """House habits: every ignore has a code and a reason."""
    silenced = re.compile(r"# (?:noqa|type: ignore)(?P<rest>.*)$")
    explained = re.compile(r"(: [A-Z]+\d+(, ?[A-Z]+\d+)*|\[[a-z-]+(, ?[a-z-]+)*\]) +[-#] \S")

    found = [
        f"{tree.name}/{module.name}:{number}: {match.group(0)}"
        for tree in (PACKAGE, TESTS)
        for module in modules(tree)
        for number, line in enumerate(module.text.splitlines(), 1)
        if (match := silenced.search(line)) and "re.compile" not in line
        if not explained.match(match.group("rest"))
    ]

    assert found == []


def test_every_rule_that_is_switched_off_says_why() -> None:
    """House habits: ruff selects ALL; a reason stands beside each code that is ignored."""
    text = (REPOSITORY / "pyproject.toml").read_text()
    lists = re.findall(r"^(?:ignore|\"tests/\*\*\") = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)

    assert len(lists) == 2
    for line in "".join(lists).splitlines():
        assert re.search(r"# \S", line), line


def test_no_test_is_skipped_and_none_sleeps() -> None:
    """House tests: no skip, no xfail; wait for a condition with a deadline."""
    forbidden = re.compile(r"pytest\.(?:mark\.)?(?:skip|xfail|importorskip)|time\.sleep\(")

    found = [
        f"{module.name}: {match.group(0)}"
        for module in modules(TESTS)
        if module.name.rpartition("/")[2].startswith("test_") and module.room != "house"
        for match in forbidden.finditer(module.text)
    ]

    assert found == []
