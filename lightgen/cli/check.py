"""lightgen check."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import typer

from lightgen.check.draw import draw
from lightgen.check.proof import Curve, Group, Proof, Rates, Report
from lightgen.cli.report import print_json, print_table, report_error
from lightgen.problems import LightgenError

FAILED = 1
_HEIGHT, _MOST_WIDTH = 4, 72


def run_check(path: Path | None, timeout: float, *, as_json: bool) -> int:
    """Prove the wiring of a project; return the exit code."""
    from lightgen.check.prove import prove_project
    from lightgen.disk import find_project

    try:
        report = prove_project(find_project(path), timeout)
    except LightgenError as error:
        return report_error(error, as_json=as_json)
    code = 0 if report.holds else FAILED
    if as_json:
        print_json(code, **_as_data(report))
    else:
        _print(report)
    return code


def _print(report: Report) -> None:
    for proof in report.proofs:
        _print_proof(proof)
    if report.groups:
        _print_groups(report.groups)
    if report.curve:
        _print_curve(report.curve)


def _print_proof(proof: Proof) -> None:
    verdict = typer.style("holds", fg="green") if proof.holds else typer.style("FAILS", fg="red")
    typer.echo(f"{verdict}  {proof.name:<8}  {_line(proof.what)}")
    for line in proof.detail:
        typer.echo(f"{'':17}{_line(line)}")


def _line(text: str) -> str:
    """Text of the user without anything that a terminal would obey."""
    return "".join(ch if ch.isprintable() else " " for ch in text)


def _print_groups(groups: Sequence[Group]) -> None:
    rows = [
        (
            _line(group.name),
            f"{group.tensors}",
            f"{group.parameters:,}",
            f"{group.lr:g}",
            "" if group.weight_decay is None else f"{group.weight_decay:g}",
            "" if group.trains else "frozen",
        )
        for group in groups
    ]
    head = ["group", "tensors", "parameters", "lr", "weight decay", ""]
    cut = None if any(row[-1] for row in rows) else -1
    print_table(head[:cut], [row[:cut] for row in rows])


def _print_curve(curve: Curve) -> None:
    typer.echo(f"learning rates over {curve.length}")
    for schedule in curve.schedules:
        typer.echo(f"  {_line(schedule)}")
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    width = min(_MOST_WIDTH, shutil.get_terminal_size().columns - 4)
    by_shape = sorted(curve.rates, key=_shape)
    for _, alike in groupby(by_shape, key=_shape):
        rates = list(alike)
        typer.echo(f"\n  {', '.join(_line(each.group) for each in rates)}")
        height = _HEIGHT if len(set(rates[0].points)) > 1 else 1
        for line in draw(rates[0].points, width, height, ascii_only=ascii_only):
            typer.echo(f"  {typer.style(line.rstrip(), fg='cyan')}")
    rows = [
        (_line(r.group), f"{r.first:.4g}", f"{r.peak:.4g}", f"{r.peak_step:,}", f"{r.last:.4g}")
        for r in curve.rates
    ]
    print_table(("group", "first lr", "peak lr", "at step", "last lr"), rows)


def _shape(rates: Rates) -> tuple[float, ...]:
    """The curve as shares of its peak: groups of one shape are drawn once."""
    peak = rates.peak if math.isfinite(rates.peak) and rates.peak > 0 else 1.0
    return tuple(round(rate / peak, 3) if math.isfinite(rate) else -1.0 for rate in rates.points)


def _as_data(report: Report) -> dict[str, Any]:
    data: dict[str, Any] = _plain(asdict(report))
    return data


def _plain(value: Any) -> Any:
    """JSON has no word for what is not finite: null."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
