"""Charts of the figures: one PNG for each."""

from __future__ import annotations

import pathlib
from typing import Any

import matplotlib as mpl

mpl.use('Agg')
from matplotlib import pyplot

from bench.measure import OURS

_COLOURS = ('#1f5fa8', '#b8b8b8', '#d98c3f', '#7a9e5f')


def draw_table(rows: list[Any], folder: pathlib.Path) -> None:
    """Draw the times of all rows, on a logarithmic axis."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = [row for row in rows if OURS in row['microseconds']]
    figure, axes = pyplot.subplots(figsize=(9, 0.55 * len(shown) + 1))
    for at, row in enumerate(reversed(shown)):
        kinds = row['microseconds']
        height = 0.8 / len(kinds)
        for place, (kind, value) in enumerate(kinds.items()):
            y = at + 0.4 - height * (place + 0.5)
            axes.barh(y, value, height * 0.9, color=_COLOURS[place % 4])
            label = f' {kind} {_short(value)}'
            axes.text(value, y, label, va='center', fontsize=6.5)
    axes.set_yticks(
        range(len(shown)), [row['row'] for row in reversed(shown)], fontsize=8
    )
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.set_xscale('log')
    largest = max(max(row['microseconds'].values()) for row in shown)
    axes.set_xlim(0.03, largest * 40)
    axes.set_xlabel('CPU time of one request, microseconds (logarithmic)')
    _save(figure, axes, folder / 'benchmarks.png')


def draw_lines(
    lines: dict[str, list[tuple[float, float]]],
    x: str,
    y: str,
    file: pathlib.Path,
    *,
    log: str = '',
) -> None:
    """Draw a line for each name; log has the letters of logarithmic axes."""
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for name, points in lines.items():
        axes.plot(*zip(*points, strict=True), marker='o', label=name)
    if 'x' in log:
        axes.set_xscale('log')
    if 'y' in log:
        axes.set_yscale('log')
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc='center left', bbox_to_anchor=(1, 0.5))
    _save(figure, axes, file)


def draw_panels(
    panels: dict[str, dict[str, list[tuple[float, float]]]],
    x: str,
    y: str,
    file: pathlib.Path,
) -> None:
    """Draw the lines of each panel, side by side on logarithmic axes."""
    figure, all_axes = pyplot.subplots(
        1, len(panels), figsize=(2.4 * len(panels) + 1, 3.6), sharey=True
    )
    for axes, (title, lines) in zip(all_axes, panels.items(), strict=True):
        for name, points in lines.items():
            axes.plot(*zip(*points, strict=True), marker='o', label=name)
        axes.set(title=title, xlabel=x, xscale='log', yscale='log')
        axes.grid(alpha=0.3)
    all_axes[0].set_ylabel(y)
    last = all_axes[-1]
    last.legend(fontsize=8, loc='center left', bbox_to_anchor=(1, 0.5))
    _save(figure, last, file)


def _short(value: float) -> str:
    if value >= 1000:
        return f'{value / 1000:,.1f} ms'
    return f'{value:.3g} us'


def _save(figure: Any, axes: Any, file: pathlib.Path) -> None:
    for side in ('top', 'right'):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
