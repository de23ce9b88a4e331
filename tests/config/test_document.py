"""docs/configuration.md."""

from kubedns_py.config.document import markdown
from kubedns_py.config.options import LEGACY, OPTIONS
from tests.house.source import REPOSITORY


def test_the_page_in_docs_is_current() -> None:
    """House rule 23; otherwise: python -m kubedns_py.config.document > docs/configuration.md."""
    assert (REPOSITORY / "docs" / "configuration.md").read_text() == markdown()


def test_every_flag_and_every_variable_stands_in_the_page_once() -> None:
    """Docs are made from the table, and miss nothing of it."""
    page = markdown()

    for option in OPTIONS:
        assert page.count(f"`{option.environment}`") == 1, option.flag
    for legacy in LEGACY:
        assert page.count(f"| `--{legacy.flag}` |") == 1, legacy.flag


def test_a_bar_in_a_cell_does_not_break_the_table() -> None:
    """Markdown tables are separated by bars."""
    for line in markdown().splitlines():
        if line.startswith("| `-") and "KUBEDNS_" in line:
            assert line.replace("\\|", "").count("|") == 6, line
