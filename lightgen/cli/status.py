"""lightgen status. It is called often: nothing that is slow to import is imported."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import typer

from lightgen.cli.places import settle
from lightgen.cli.report import print_json, print_line, print_notes, report_error
from lightgen.disk import find_project, list_yours, read_yours
from lightgen.inside import read_regular
from lightgen.problems import LightgenError
from lightgen.remembered import Memory, read_memory
from lightgen.spec.rule import rule_reference, split_reference
from lightgen.standing import DRIFT, Kind, Standing, marker, spec_changes, standings
from lightgen.tree import File

_SPEC_NAME, _RULE = "lightgen.toml", "optimizer.rule"
_COLOURS = {
    Kind.CONFLICT: "red",
    Kind.DELETED: "yellow",
    Kind.EDITED: "yellow",
    Kind.MOVED: "yellow",
}
_WIDTH = max(map(len, Kind))


def run_status(path: Path | None, *, check: bool, as_json: bool) -> int:
    """Tell how each file stands; return the exit code."""
    try:
        root = find_project(path)
        said = settle(root)
        memory = read_memory(root)
        yours = read_yours(root, memory.base)
        own = [name for name in list_yours(root) if name != _SPEC_NAME]
    except LightgenError as error:
        return report_error(error, as_json=as_json)
    found = standings(memory.base, yours, own)
    spec, fault = _spec_difference(root, memory)
    rule = "" if fault else _about_rule(memory, spec, found)
    spec += [_RULE] if rule else []
    notes = said
    if memory.faults:
        notes = (*said, f".lightgen: {memory.damage}; the next update rebuilds the base")
    has_drift = bool(spec or memory.faults or any(each.kind in DRIFT for each in found))
    code = int(check and has_drift)
    if as_json:
        files = [
            {
                "path": each.path,
                "kind": str(each.kind),
                "line": each.line,
                "moved_from": each.moved_from,
                "note": each.note,
            }
            for each in found
        ]
        print_json(
            code,
            path=str(root),
            files=files,
            spec_differs=spec,
            spec_fault=fault,
            notes=list(notes),
        )
        return code
    for each in found:
        _print_standing(each)
    print_notes(notes)
    counts = Counter(each.kind for each in found)
    typer.echo(", ".join(f"{counts[kind]} {kind}" for kind in Kind if counts[kind]))
    print_line(fault or rule or _about_spec(spec))
    return code


def _print_standing(each: Standing) -> None:
    kind = typer.style(f"{each.kind:<{_WIDTH}}", fg=_COLOURS.get(each.kind))
    place = f"{each.path}:{each.line}" if each.line else each.path
    origin = f" (from {each.moved_from})" if each.moved_from else ""
    note = f" ({each.note})" if each.note else ""
    print_line(f"{place}{origin}{note}", before=f"{kind}  ")


def _spec_difference(root: Path, memory: Memory) -> tuple[list[str], str]:
    """Where the spec file differs from what was rendered; its name, and why it cannot be read."""
    try:
        found = read_regular(root / _SPEC_NAME)
        line = marker(File(found.content))
        if line:
            return [_SPEC_NAME], f"{_SPEC_NAME}:{line} has an unresolved conflict; resolve it first"
        present = tomllib.loads(found.content.decode("utf-8-sig"))
    except FileNotFoundError:
        todo = f"bring it back: lightgen update --restore {_SPEC_NAME}"
        return [_SPEC_NAME], f"{_SPEC_NAME} is gone; {todo}"
    except (OSError, ValueError, RecursionError) as error:
        return [_SPEC_NAME], f"{_SPEC_NAME} cannot be read ({error}); mend it"
    return [_SPEC_NAME] if memory.spec is None else spec_changes(memory.spec, present), ""


def _about_rule(memory: Memory, spec: list[str], found: Iterable[Standing]) -> str:
    """What there is to say of a rule that is not what was rendered, as the spec file may be."""
    path, _ = split_reference(rule_reference(memory.spec or {}))
    for each in found:
        if path != (each.moved_from or each.path) or each.kind not in DRIFT or _RULE in spec:
            continue
        if each.line:
            return f"{path}:{each.line} has an unresolved conflict; resolve it first"
        if each.kind in (Kind.DELETED, Kind.MOVED):
            return f"the rule {path} is gone; to bring it back: lightgen update --restore {path}"
        both = f"{_SPEC_NAME} and the rule {path} differ" if spec else f"the rule {path} differs"
        return f"{both} from what was rendered; to render it: lightgen update"
    return ""


def _about_spec(changed: list[str]) -> str:
    if not changed:
        return f"{_SPEC_NAME} is what was rendered"
    where = "" if changed == [_SPEC_NAME] else f" in {', '.join(changed)}"
    return f"{_SPEC_NAME} differs from what was rendered{where}; to render it: lightgen update"
