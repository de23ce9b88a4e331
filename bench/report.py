"""What a run found, as JSON with every round and as Markdown with medians."""

from __future__ import annotations

import json
import os
import platform
import re
import resource
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.rounds import Round, Run, Scenario
from bench.servers import OURS

_RATIO_OF = (
    "answers_per_s",
    "cpu_us_per_change",
    "cpu_us_per_query",
    "p50_ms",
    "p99_ms",
    "peak_mib",
    "pss_mib",
    "sync_s",
)
"""Endings of the figures whose ratio says something."""


def machine() -> dict[str, str]:
    """Return what the figures depend on, in words."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "unknown",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "open files allowed": str(files),
    }


def as_json(run: Run, facts: dict[str, str]) -> dict[str, Any]:
    """Return everything that was measured."""
    rounds = [
        {"scenario": each.scenario, "server": each.server, "round": each.number, **each.figures}
        for each in run.rounds
    ]
    return {"machine": facts, "servers": run.servers, "seconds": run.seconds, "rounds": rounds}


def as_markdown(
    title: str,
    run: Run,
    facts: dict[str, str],
    scenarios: Sequence[Scenario],
    summary: Sequence[str] = (),
) -> str:
    """Return one table per scenario: medians over the rounds, the range in brackets.

    Args:
        title: of the report.
        run: what was measured.
        facts: what the figures depend on.
        scenarios: in the order of their tables.
        summary: lines before the tables.
    """
    lines = [f"# {title}", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    lines += [f"- {name}: {version}" for name, version in run.servers.items()]
    lines += [f"- loads of {run.seconds} s; median over rounds, lowest and highest in brackets"]
    lines += ["", *summary] if summary else []
    for scenario in scenarios:
        rounds = [each for each in run.rounds if each.scenario == scenario.name]
        if rounds:
            lines += ["", f"## {scenario.title}", "", f"Goal: {scenario.goal}.", ""]
            lines += _table(list(run.servers), rounds)
    return "\n".join(lines) + "\n"


def keep(folder: Path, name: str, text: str, everything: dict[str, Any]) -> None:
    """Write a report as ``name.md`` and what it was made from as ``name.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(everything, indent=1) + "\n")
    (folder / f"{name}.md").write_text(text)


def _table(servers: Sequence[str], rounds: Sequence[Round]) -> list[str]:
    asked = [name for name in servers if any(each.server == name for each in rounds)]
    peers = [name for name in asked if name != OURS] if OURS in asked else []
    heads = ["figure", *asked, *(f"{OURS} / {peer}" for peer in peers)]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for figure in rounds[0].figures:
        found = {
            name: [each.figures[figure] for each in rounds if each.server == name] for name in asked
        }
        cells = [figure.replace("_", " "), *map(_cell, found.values())]
        cells += [_ratio(figure, median(found[peer]), median(found[OURS])) for peer in peers]
        lines.append(_row(cells))
    return lines


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(values: Sequence[float]) -> str:
    middle = _number(median(values))
    if min(values) == max(values):
        return middle
    return f"{middle} ({_number(min(values))}–{_number(max(values))})"  # noqa: RUF001 - a range


def _number(value: float) -> str:
    """Return three figures, and all of them before the point."""
    if value == int(value) or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _ratio(figure: str, theirs: float, ours: float) -> str:
    return f"{ours / theirs:.2f}" if theirs and figure.endswith(_RATIO_OF) else ""
