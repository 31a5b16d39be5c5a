"""The flow: text -> Spec -> Plan -> Tree. Pure but for the fetching of a pack."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightgen.memory import memory_of
from lightgen.plan import Plan, make_plan
from lightgen.problems import InputError, Problem, raise_if_any
from lightgen.render.project import render_project
from lightgen.spec.document import (
    SPEC_NAME,
    content_of,
    new_document,
    parse_document,
    read_text,
    set_value,
    text_of,
)
from lightgen.spec.flags import Flags, apply_flags
from lightgen.spec.model import examine_spec
from lightgen.spec.rule import (
    RuleFiles,
    named_rule_file,
    no_rule_files,
    rule_reference,
    split_reference,
)
from lightgen.tree import File, Tree

if TYPE_CHECKING:
    import tomlkit

    from lightgen.packs import Pack


@dataclass(frozen=True)
class Generated:
    """A project in memory: its own files, everything that goes to disk, and what to say."""

    plan: Plan
    rendered: Tree
    tree: Tree
    notes: tuple[str, ...]


def read_spec(path: Path | None) -> tomlkit.TOMLDocument:
    """The document of a spec file, or a fresh one."""
    if path is None:
        return new_document()
    text = read_text(path)
    return parse_document(text, str(path))


def generate(
    document: tomlkit.TOMLDocument,
    flags: Flags,
    package: str,
    *,
    relative_to: Path | None = None,
    trust: bool = False,
    stored: Pack | None = None,
    rule_files: RuleFiles = no_rule_files,
) -> Generated:
    """Apply flags to a spec and render it.

    `package` is the name where the spec has none; `relative_to` the folder that a pack's path is
    relative to; `stored` a pack that need not be fetched; `rule_files` gives the rule that the spec
    names. Raises InputError with every problem, ProjectError where a pack cannot be had.
    """
    before = document.as_string()
    project = document.get("project", {})
    if isinstance(project, Mapping) and not project.get("package"):
        set_value(document, ("project", "package"), package)
    said, problems = apply_flags(document, flags, rule_files)
    content = content_of(document)
    plan = _plan(content, problems, rule_files)
    rendered, pack = _with_pack(plan, relative_to, trust, stored)
    tree = {
        **rendered,
        SPEC_NAME: File.from_text(text_of(document, before)),
        **memory_of(rendered, content, pack.files if pack else None, pack.resolved if pack else ""),
    }
    return Generated(plan, rendered, dict(sorted(tree.items())), (*said, *plan.notes))


def anchored(
    document: tomlkit.TOMLDocument | None, flags: Flags, folder: Path, root: Path
) -> tuple[Flags, Path]:
    """Name a pack on this disk as seen from the project at `root`: so its spec file is read.

    A flag names it as seen from here, a document from its `folder`. Returns the flags, and what the
    pack's path is relative to; the document is changed in place.
    """
    template = {} if document is None else document.get("template", {})
    said = str(template.get("source", "")) if isinstance(template, Mapping) else ""
    source, place = (flags.template, Path()) if flags.template else (said, folder)
    if not source:
        return flags, root
    if source.startswith("~") or os.path.isabs(source) or not (place / source).exists():
        return flags, place
    named = Path(os.path.relpath(place / source, root)).as_posix()
    if flags.template:
        return replace(flags, template=named), root
    assert document is not None
    set_value(document, ("template", "source"), named)
    return flags, root


def _plan(content: Mapping[str, Any], problems: list[Problem], rule_files: RuleFiles) -> Plan:
    """The plan of a spec, or every problem of it and of the flags at once."""
    spec, wrong = examine_spec(content)
    found = [*problems, *wrong]
    if spec is not None:
        reference = rule_reference(content)
        rule_file = named_rule_file(reference, rule_files)
        sources = {split_reference(reference)[0]: rule_file} if rule_file else {}
        try:
            plan = make_plan(spec, sources)
        except InputError as error:
            found += error.problems
        else:
            raise_if_any(found)
            return plan
    raise InputError(*dict.fromkeys(found))


def render_content(
    content: Mapping[str, Any],
    *,
    relative_to: Path,
    trust: bool,
    stored: Pack | None,
    rule_files: RuleFiles,
) -> Tree:
    """Render the plain values of a spec, as `generate` does."""
    return _with_pack(_plan(content, [], rule_files), relative_to, trust, stored)[0]


def _with_pack(
    plan: Plan, relative_to: Path | None, trust: bool, stored: Pack | None
) -> tuple[Tree, Pack | None]:
    own = render_project(plan)
    if plan.template is None:
        return own, None
    from lightgen import packs

    pack = stored
    if pack is None or (pack.source, pack.ref) != (plan.template.source, plan.template.ref):
        pack = packs.fetch(plan.template.source, plan.template.ref, relative_to=relative_to)
    wished = {key: _as_text(value) for key, value in plan.template.variables.items()}
    laid = packs.render(pack, wished, pack_context(plan), trust=trust)
    rule = plan.optimizer.rule
    clashes = [
        Problem("template.source", f"the pack's {path} is {what}", "rename")
        for path in laid
        for what in [_clash(path, own, rule.path if rule else "")]
        if what
    ]
    raise_if_any(clashes)
    return {**own, **laid}, pack


def _clash(path: str, own: Tree, rule_path: str) -> str:
    if path == rule_path:
        return "where the rule is"
    return "a folder of lightgen's" if _blocks(path, own) else ""


def _blocks(path: str, own: Tree) -> bool:
    parents = {"/".join(path.split("/")[:at]) for at in range(1, path.count("/") + 1)}
    return any(other.startswith(f"{path}/") or other in parents for other in own)


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def pack_context(plan: Plan) -> dict[str, object]:
    """What a pack's templates see as `lightgen`: plain values only."""
    schedule = plan.schedule
    return {
        "package": plan.package,
        "lightning": plan.lightning,
        "seed": plan.seed,
        "task": plan.task.name,
        "data": plan.data.name,
        "model": plan.model.record.name,
        "optimizer": {
            "name": plan.optimizer.record.name,
            "class_name": plan.optimizer.class_name,
            "lr": plan.optimizer.base_lr,
        },
        "groups": [
            {
                "name": group.name,
                "patterns": list(group.patterns),
                "lr": 0.0 if group.frozen else group.rate(plan.optimizer.base_lr),
                "frozen": group.frozen,
            }
            for group in plan.groups
        ],
        "scheduler": schedule.record.name if schedule else "",
        "max_epochs": plan.max_epochs,
    }
