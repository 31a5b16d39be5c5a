"""Definitions of a module by name: to find one that moved to another file, and merge it there."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from lightgen.merge.outcome import Labels, MergedText
from lightgen.merge.python.blocks import Statement, module_block
from lightgen.merge.python.merge import merge_python
from lightgen.merge.python.names import imported_names, unresolved
from lightgen.merge.python.order import ClashError
from lightgen.merge.python.reader import Elsewhere, Reader
from lightgen.merge.python.source import Source
from lightgen.merge.python.splice import Edit, apply_edits


def definitions(source: Source) -> dict[str, Statement]:
    """The functions and classes of a module; those that are defined twice are left out."""
    try:
        block = module_block(source)
    except ClashError:
        return {}
    found: dict[str, Statement] = {}
    twice: set[str] = set()
    for statement in block.statements:
        node = statement.node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            (twice.add(node.name) if node.name in found else found.update({node.name: statement}))
    return {name: statement for name, statement in found.items() if name not in twice}


def with_definition(source: Source, name: str, text: str) -> str:
    """A module's text with the lines of one definition replaced."""
    statement = definitions(source)[name]
    starts = source.starts
    edit = Edit(starts[statement.first], starts[statement.last], text)
    return apply_edits(source.text, [edit])


@dataclass(frozen=True)
class Versions:
    """Three versions of one definition, as text, and the modules that yours and new's are from."""

    name: str
    base: str
    yours: str
    new: str
    your_module: Source
    new_module: Source


def merge_definition(
    source: Source, versions: Versions, labels: Labels, reader: Reader
) -> MergedText:
    """Merge one definition of a module.

    What a version reads and its module imports is imported here too.
    """
    before = with_definition(source, versions.name, versions.base)
    mine = with_definition(source, versions.name, versions.yours)
    theirs = with_definition(source, versions.name, versions.new)
    theirs = _without_imports(reader, theirs, versions)
    mine = _with_imports(reader, mine, _imports_for(mine, source, versions.your_module, reader))
    theirs = _with_imports(
        reader, theirs, _imports_for(theirs, source, versions.new_module, reader)
    )
    return merge_python(before, mine, theirs, labels, Elsewhere(reader))


def _imports_for(text: str, source: Source, origin: Source, reader: Reader) -> list[str]:
    """The import statements of another module that a text needs beyond what it needed."""
    parsed = reader.find(text)
    if parsed is None:
        return []
    missing = {name for scope, name in unresolved(parsed) - unresolved(source)}
    lines = []
    for node in origin.tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        wanted = [
            alias
            for alias in node.names
            if (alias.asname or alias.name.partition(".")[0]) in missing
        ]
        if wanted:
            kept = ast.Import(wanted)
            if isinstance(node, ast.ImportFrom):
                lines.append(ast.unparse(ast.ImportFrom(node.module, wanted, node.level)))
            else:
                lines.append(ast.unparse(kept))
    return lines


def _without_imports(reader: Reader, text: str, versions: Versions) -> str:
    """Without what only the definition read, and neither it nor its module has any more."""
    source, before = reader.find(text), reader.find(versions.base)
    if source is None or before is None:
        return text
    dropped = _names_read(before) - _names_read(source)
    dropped -= imported_names(versions.new_module.tree)
    edits = []
    for node in source.tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            if names <= dropped:
                line = node.lineno - 1
                edits.append(Edit(source.starts[line], source.starts[node.end_lineno or line], ""))
    return apply_edits(text, edits)


def _names_read(source: Source) -> set[str]:
    return {node.id for node in ast.walk(source.tree) if isinstance(node, ast.Name)}


def _with_imports(reader: Reader, text: str, lines: list[str]) -> str:
    source = reader.find(text)
    if not lines or source is None:
        return text
    imports = [n for n in source.tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    body = source.tree.body
    first_text = bool(body) and isinstance(body[0], ast.Expr)
    last = imports[-1].end_lineno if imports else (body[0].end_lineno if first_text else 0)
    at = source.starts[last or 0]
    return text[:at] + "".join(f"{line}\n" for line in lines) + text[at:]
