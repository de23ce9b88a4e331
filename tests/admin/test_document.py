"""docs/metrics.md."""

from kubedns_py.admin.document import markdown
from kubedns_py.admin.metrics import METRICS
from tests.house.source import REPOSITORY


def test_the_page_in_docs_is_current() -> None:
    """House rule 23; otherwise: python -m kubedns_py.admin.document > docs/metrics.md."""
    assert (REPOSITORY / "docs" / "metrics.md").read_text() == markdown()


def test_every_metric_stands_in_the_page_once() -> None:
    """Docs are made from the table, and miss nothing of it."""
    page = markdown()

    for metric in METRICS:
        assert page.count(f"| `kubedns_{metric.name}` |") == 1, metric.name
