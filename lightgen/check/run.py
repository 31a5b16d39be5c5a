"""The child of a check. Its arguments: the project, and the names of proofs.

It tells what it finds as lines of JSON on the standard output that it was born with; whatever the
user's code prints goes to a file. The current folder is a temporary one that looks like the
project's.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lightgen.check.paths import Found, examine
from lightgen.check.place import passed, told, where
from lightgen.check.proof import Finding, Proof
from lightgen.check.sources import Sources, find_sources
from lightgen.problems import Problem

LOG = "check.log"
_OTHER_ENVIRONMENT = "run lightgen in the project's environment, or install it in this one"
_IMPORTED = "the project has to be imported before anything of it can be proven"

Tell = Callable[[Mapping[str, Any]], None]


def serve(root: Path, wanted: Collection[str], tell: Tell) -> None:
    """Run the wanted proofs of the project at `root` and tell each finding."""
    tell({"begin": "start"})
    try:
        sources = find_sources(root)
        from lightgen.check import launch

        found = examine(sources)
        if found.missing:
            tell({"problems": [asdict(each) for each in found.missing]})
            return
        if found.faults:
            _tell_faults(found, wanted, tell)
            return
        launcher = launch.open_project(sources)
    except BaseException as error:
        tell({"problem": asdict(import_problem(error, root))})
        return
    _prove(launcher, wanted, tell, found.notes)


def _tell_faults(found: Found, wanted: Collection[str], tell: Tell) -> None:
    """The training cannot start with these: each is told, and nothing else is proven."""
    for name in wanted:
        what = found.faults[0] if name == "start" else "not proven: the training does not start"
        detail = (*found.faults[1:], *found.notes) if name == "start" else ()
        tell(asdict(Finding(Proof(name, False, what, detail))))


def _prove(launcher: Any, wanted: Collection[str], tell: Tell, notes: Collection[str] = ()) -> None:
    from lightgen.check.coverage import prove_coverage
    from lightgen.check.curve import prove_curve
    from lightgen.check.resume import prove_resume
    from lightgen.check.step import prove_step

    start, coverage, planned, launcher = _start(launcher)
    start = replace(start, detail=(*start.detail, *notes))
    proofs: dict[str, Callable[[], Finding]] = {
        "start": lambda: Finding(start),
        "coverage": lambda: Finding(coverage) if coverage else prove_coverage(planned),
        "curve": lambda: prove_curve(planned),
        "step": lambda: prove_step(launcher, planned),
        "resume": lambda: prove_resume(launcher, planned),
    }
    for name, prove in proofs.items():
        if name not in wanted:
            continue
        tell({"begin": name})
        if planned is None and not (name == "start" or (name == "coverage" and coverage)):
            finding = Finding(Proof(name, False, "not proven: the training does not start"))
        else:
            finding = _guarded(name, prove, launcher.sources.root)
        tell(asdict(finding))


def _guarded(name: str, prove: Callable[[], Finding], root: Path) -> Finding:
    """Whatever the user's code does is the user's fault, and told as such."""
    try:
        return prove()
    except BaseException as error:
        place = where(error, root)
        return Finding(Proof(name, False, told(error), (f"at {place}",) if place else ()))


def _start(launcher: Any) -> tuple[Proof, Proof | None, Any, Any]:
    """Begin the planned run: the proof of that, a failed one of coverage, the plan, the launcher.

    Where the training does not start, what the package defines is put together by type, so that
    the other proofs have something to work on.
    """
    start, coverage, planned = _begin(launcher)
    if start.holds:
        return start, coverage, planned, launcher
    by_types = replace(launcher, by_types=True)
    second, coverage, planned = _begin(by_types)
    if second.holds:
        detail = f"the other proofs are of {second.what}, put together by type"
    else:
        detail = f"nor can it be put together by type: {second.what}"
    return replace(start, detail=(*start.detail, detail)), coverage, planned, by_types


def _begin(launcher: Any) -> tuple[Proof, Proof | None, Any]:
    from lightgen.check.launch import reason
    from lightgen.check.planned import plan

    sources: Sources = launcher.sources
    name = "the training" if launcher.by_types else f"python -m {sources.entry}"
    launched = None
    try:
        launched = launcher.planned()
        planned = plan(launched)
    except BaseException as error:
        place = where(error, sources.root)
        detail = (f"at {place}",) if place else ()
        if launched is not None and passed(error, "configure_optimizers"):
            coverage = Proof("coverage", False, told(error), detail)
            return _started(launched, name, sources), coverage, None
        what = f"{name} does not start: {reason(error)}"
        return Proof("start", False, what, (*detail, *sources.notes)), None, None
    return _started(launched, name, sources), None, planned


def _started(launched: Any, name: str, sources: Sources) -> Proof:
    data = launched.arguments.get("datamodule") or launched.arguments.get("train_dataloaders")
    parts = [type(launched.module).__name__, *([type(data).__name__] if data is not None else [])]
    return Proof("start", True, f"{name} trains {' with '.join(parts)}", sources.notes)


def import_problem(error: BaseException, root: Path) -> Problem:
    """Why a project can't be imported."""
    place = where(error, root) or str(root)
    todo = _IMPORTED
    if isinstance(error, ModuleNotFoundError):
        todo = _OTHER_ENVIRONMENT
    return Problem(place, f"the project can't be imported: {told(error)}", todo)


def main() -> None:
    """Prove what the command line names."""
    root, *wanted = sys.argv[1:]
    tell_outside(lambda tell: serve(Path(root), wanted, tell))


def tell_outside(act: Callable[[Tell], None]) -> None:
    """Do what tells, and end the process."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    warnings.simplefilter("ignore")

    def tell(message: Mapping[str, Any]) -> None:
        lines.write(json.dumps(message) + "\n")
        lines.flush()

    act(tell)
    tell({"end": True})
    # Threads and workers of the user's must not keep it alive.
    os._exit(0)
