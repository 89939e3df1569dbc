"""Plot: the cost of stacks by volume, with the points from which one is cheaper than another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError, StorageError
from .comparison import Comparison, Curve, curves, volumes
from .quotes import Choice
from .rows import Prices

#: Suffixes of the picture's file.
SUFFIXES = (".png", ".svg", ".pdf")


def plot(comparison: Comparison, path: Path, prices: Prices, choose: Choice) -> None:
    """Write the picture; raises ``ConfigError`` for another suffix or a missing extra."""
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{path.name} must end in one of {', '.join(SUFFIXES)}")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            f'a plot needs more packages: pip install "avatarkit-sdk[plot]" ({error})'
        ) from error
    stacks = [row.stack for row in comparison.rows]
    figure: Any = Figure(figsize=(11, 7), layout="constrained")
    axes = figure.add_subplot()
    _draw(axes, comparison, curves(stacks, comparison.workload, prices, choose))
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}") from error


def _draw(axes: Any, comparison: Comparison, found: Sequence[Curve]) -> None:
    turns = {n for change in comparison.plan_changes for n in (change.videos - 1, change.videos)}
    grid = sorted({*volumes(comparison.workload), *turns})  # a plan's price is a step
    by_name = {curve.stack.name: curve for curve in found}
    free: list[str] = []
    for (values, lacks), names in _alike(found, grid).items():
        if not any(values):
            free += names
            continue
        x = [_across(by_name[names[0]], videos) for videos in grid]
        label = ", ".join(names) + (" (a part is unknown)" if lacks else "")
        axes.plot(x, values, linestyle="--" if lacks else "-", label=label)
    for point in comparison.break_evens:
        curve = by_name[point.now]
        x_now, y_now = _across(curve, point.videos), float(curve.at(point.videos).known)
        axes.plot([x_now], [y_now], "o", color="black", markersize=4)
    if comparison.break_evens:
        axes.plot(
            [], [], "o", color="black", markersize=4, label="one becomes cheaper than another"
        )
    axes.set(xscale="log", yscale="log", ylabel="US dollars a month, as far as known")
    axes.xaxis.set_major_formatter("{x:,.10g}")
    axes.yaxis.set_major_formatter("{x:,.10g}")
    axes.set_xlabel(
        "minutes of video a month" if found[:1] and _films(found[0]) else "trainings a month"
    )
    axes.set_title(_title(comparison, free))
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.figure.legend(loc="outside lower center", ncols=2, fontsize="small")


def _alike(
    found: Sequence[Curve], grid: Sequence[int]
) -> dict[tuple[tuple[float, ...], bool], list[str]]:
    """Stacks by their costs along the grid, and whether a part of them is unknown.

    Where no known plan is large enough, there is no cost to draw.
    """
    groups: dict[tuple[tuple[float, ...], bool], list[str]] = {}
    for curve in found:
        costs = tuple(float(curve.at(n).known) if curve.fits(n) else _NONE for n in grid)
        lacks = bool(curve.at(grid[0]).unknown)
        groups.setdefault((costs, lacks), []).append(curve.stack.name)
    return groups


_NONE = float("nan")  # one object, so that equal tuples are equal


def _films(curve: Curve) -> bool:
    return curve.workload.videos > 0


def _across(curve: Curve, videos: int) -> float:
    return float(curve.minutes(videos)) if _films(curve) else float(videos)


def _title(comparison: Comparison, free: Sequence[str]) -> str:
    work = comparison.workload
    minutes = f"{float(work.minutes):,g}"
    lines = [f"Avatars trained : minutes of video = {work.trainings:,} : {minutes}"]
    if free:
        lines.append(f"without a fee: {', '.join(free)}")
    return "\n".join(lines)
