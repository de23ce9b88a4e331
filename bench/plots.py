"""A run as pictures (PNG). matplotlib draws them; it is in the group ``bench`` and nowhere else.

A picture is of what was measured: without a scenario its picture is left out. Points are medians,
bars around them the lowest and the highest round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from bench.asking import PERCENTILES
from bench.goals import sizes
from bench.rounds import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

THROUGHPUT = ("warm", "cold")

_LATENCIES = {"churn": ("idle", "meanwhile"), "flood": ("idle", "flooded")}
_SIZE_FIGURES = {
    "first_sync_s": "first sync, s",
    "pss_mib": "memory after it (PSS), MiB",
    "cpu_us_per_change": "CPU time of a change, µs",
}
_COLOURS = {"CoreDNS": "#3c78b4", "CoreDNS uncached": "#3c78b4", "Knot DNS": "#8a8a8a"}
_OUR_COLOUR = "#c85028"
_SHOWN = "125"
"""First digits of the numbers that are written at a logarithmic axis."""
_INCH_EACH = 5.0


class Spread(NamedTuple):
    """A figure over the rounds."""

    middle: float
    lowest: float
    highest: float


def spread(run: Run, scenario: str, server: str, figure: str) -> Spread | None:
    """Return the median, lowest and highest of a figure, or None where it was not measured."""
    found = [
        each.figures[figure]
        for each in run.rounds
        if (each.scenario, each.server) == (scenario, server) and figure in each.figures
    ]
    return Spread(median(found), min(found), max(found)) if found else None


def draw(run: Run, folder: Path, name: str) -> list[Path]:
    """Draw what was measured as ``name-....png``; return the files.

    Raises:
        ImportError: matplotlib is not there.
    """
    measured = {each.scenario for each in run.rounds}
    made = []
    if measured & set(THROUGHPUT):
        made.append(_save(folder / f"{name}-throughput.png", [_throughput(run)]))
    latencies = [each for each in _LATENCIES if each in measured]
    if latencies:
        made.append(_save(folder / f"{name}-latency.png", [_latency(run, s) for s in latencies]))
    if sizes(run):
        panels = [_by_size(run, figure, words) for figure, words in _SIZE_FIGURES.items()]
        made.append(_save(folder / f"{name}-size.png", panels))
    if "propagation" in measured:
        panels = [_propagation(run, each) for each in ("p50_ms", "p99_ms")]
        made.append(_save(folder / f"{name}-propagation.png", panels))
    return made


_Panel = Callable[["Axes"], None]


def _save(path: Path, panels: Sequence[_Panel]) -> Path:
    from matplotlib.figure import Figure  # noqa: PLC0415 - a run without plots does without it

    figure = Figure(figsize=(_INCH_EACH * len(panels), 4), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        panel(axes)
        axes.grid(axis="y", alpha=0.3)
        axes.legend(fontsize="small")
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return path


def _throughput(run: Run) -> _Panel:
    def panel(axes: Axes) -> None:
        servers = _servers(run, THROUGHPUT)
        width = 0.8 / len(servers)
        for place, server in enumerate(servers):
            axes.bar(0, 0, color=_colour(server), label=server)
            for number, mix in enumerate(THROUGHPUT):
                found = spread(run, mix, server, "answers_per_s")
                if found:
                    at = number + (place - (len(servers) - 1) / 2) * width
                    axes.bar(at, found.middle, width * 0.9, color=_colour(server))
                    axes.errorbar(at, found.middle, _reach(found), color="black", capsize=2)
        axes.set_xticks(range(len(THROUGHPUT)), [f"{mix} mix" for mix in THROUGHPUT])
        axes.set_ylabel("answers per second, one core")

    return panel


def _latency(run: Run, scenario: str) -> _Panel:
    def panel(axes: Axes) -> None:
        for server in _servers(run, [scenario]):
            for words, style in zip(_LATENCIES[scenario], ("--", "-"), strict=True):
                found = [spread(run, scenario, server, f"{words}: {p}_ms") for p in PERCENTILES]
                heights = [each.middle if each else 0.0 for each in found]
                label = f"{server}, {words}"
                axes.plot(
                    PERCENTILES, heights, style, marker="o", color=_colour(server), label=label
                )
        axes.set_yscale("log")
        _written_out(axes.yaxis)
        axes.set_ylabel("latency of known names, ms")
        axes.set_title(scenario)

    return panel


def _by_size(run: Run, figure: str, words: str) -> _Panel:
    def panel(axes: Axes) -> None:
        for server in _servers(run, [f"size-{each}" for each in sizes(run)]):
            points = {each: spread(run, f"size-{each}", server, figure) for each in sizes(run)}
            _line(axes, server, points)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("Services, with ten endpoints each")
        axes.set_ylabel(words)

    return panel


def _propagation(run: Run, ending: str) -> _Panel:
    def panel(axes: Axes) -> None:
        for server in _servers(run, ["propagation"]):
            names = {
                name
                for each in run.rounds
                if (each.scenario, each.server) == ("propagation", server)
                for name in each.figures
            }
            widths = {int(n.partition(" ")[0].replace(",", "")): n for n in names if ending in n}
            points = {
                width: spread(run, "propagation", server, name)
                for width, name in sorted(widths.items())
            }
            _line(axes, server, points)
        axes.set_xscale("log")
        axes.set_yscale("log")
        _written_out(axes.xaxis)
        _written_out(axes.yaxis)
        axes.set_xlabel("endpoints of the Service")
        axes.set_ylabel(f"slice change to changed answer, {ending.replace('_', ', ')}")

    return panel


def _written_out(axis: Axis) -> None:
    """Have the numbers of a logarithmic axis written out: 0.5, 20, 5000."""
    from matplotlib.ticker import FuncFormatter  # noqa: PLC0415 - as in _save

    def number(value: float, _: object) -> str:
        return f"{value:g}" if f"{value:e}"[0] in _SHOWN else ""

    axis.set_major_formatter(FuncFormatter(number))
    axis.set_minor_formatter(FuncFormatter(number))


def _line(axes: Axes, server: str, points: dict[int, Spread | None]) -> None:
    found = {place: each for place, each in points.items() if each}
    axes.errorbar(
        list(found),
        [each.middle for each in found.values()],
        [
            [each.middle - each.lowest for each in found.values()],
            [each.highest - each.middle for each in found.values()],
        ],
        marker="o",
        capsize=2,
        color=_colour(server),
        label=server,
    )


def _servers(run: Run, scenarios: Sequence[str]) -> list[str]:
    """Return the servers that one of the scenarios was measured with, in the order of the run."""
    asked = {each.server for each in run.rounds if each.scenario in scenarios}
    return [server for server in run.servers if server in asked]


def _colour(server: str) -> str:
    return _COLOURS.get(server, _OUR_COLOUR)


def _reach(found: Spread) -> list[list[float]]:
    return [[found.middle - found.lowest], [found.highest - found.middle]]
