"""What can be said of a merge without knowing the right one."""

from __future__ import annotations

import ast
import builtins
import inspect
import io
import symtable
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from lightgen.merge import Kind
from lightgen.merge.outcome import END, MIDDLE, START
from lightgen.tree import File, Tree
from support.merging import Result


def faults(base: Tree, yours: Tree, new: Tree, result: Result) -> list[str]:
    """Everything that is wrong with a merge, whatever the right one is."""
    versions = base, yours, new
    found = [*_markers(result), *_sides_parse(result, versions)]
    if not all(_parses(t[path]) for t in versions for path in t if path.endswith(".py")):
        return found  # such a file is merged by lines: there are no tokens to follow
    return found or [*_lost(base, yours, new, result), *_names(yours, new, result)]


def sides(text: str) -> tuple[str, str]:
    """A text with conflict markers, as either side has it."""
    mine: list[str] = []
    theirs: list[str] = []
    into = (mine, theirs)
    for line in text.splitlines(keepends=True):
        if line.startswith(f"{START} "):
            into = (mine,)
        elif line.rstrip("\r\n") == MIDDLE and into == (mine,):
            into = (theirs,)
        elif line.startswith(f"{END} ") and into == (theirs,):
            into = (mine, theirs)
        else:
            for side in into:
                side.append(line)
    return "".join(mine), "".join(theirs)


def _text(content: bytes) -> str:
    if b"\0" in content:
        return ""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        return content.decode("latin-1")


def _markers(result: Result) -> Iterator[str]:
    """Markers are whole, stand where a conflict says, and nowhere else."""
    for outcome in result.outcomes:
        if outcome.file is None:
            continue
        lines = _text(outcome.file.content).replace("\r\n", "\n").split("\n")
        found = [line for line in lines if line.startswith((START, END)) or line == MIDDLE]
        kinds = [line[:7] for line in found]
        if kinds != [START, MIDDLE, END] * (len(kinds) // 3):
            yield f"{outcome.path}: markers are not whole: {found}"
        told = sorted({each.line for each in outcome.conflicts if each.line})
        there = [number for number, line in enumerate(lines, 1) if line.startswith(START)]
        if told != there:
            yield f"{outcome.path}: conflicts at lines {told}, markers at {there}"


def _sides_parse(result: Result, versions: tuple[Tree, ...]) -> Iterator[str]:
    """A clean result parses if all versions did; one with markers does as either side has it."""
    for path, file in result.tree.items():
        if not path.endswith(".py") or not all(_parses(tree.get(path)) for tree in versions):
            continue
        whole = _text(file.content)
        for text in {whole} if START not in whole else set(sides(whole)):
            try:
                ast.parse(text)
            except SyntaxError as error:
                yield f"{path}: does not parse: {error}"


def _parses(file: File | None) -> bool:
    try:
        ast.parse(_text(file.content) if file else "")
    except SyntaxError:
        return False
    return True


# Tokens.


@lru_cache(maxsize=300)
def _tokens(text: str) -> tuple[Counter[str], frozenset[str]]:
    """Literals and comments, counted; and the names."""
    values: Counter[str] = Counter()
    names = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            names.add(token.string)
        elif token.type == tokenize.COMMENT:
            values[token.string.rstrip()] += 1
        elif token.type in (tokenize.NUMBER, tokenize.STRING):
            values.update(_plain(token.string).split("\n"))  # texts are merged line by line
    return values, frozenset(names)


def _plain(token: str) -> str:
    """A literal free of its quotes."""
    value = ast.parse(token, mode="eval").body
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return inspect.cleandoc(value.value)
    return ast.unparse(value)


def _all_tokens(tree: Tree, without: frozenset[str] = frozenset()) -> tuple[Counter[str], set[str]]:
    values: Counter[str] = Counter()
    names: set[str] = set()
    for path, file in tree.items():
        if path.endswith(".py") and path not in without:
            counted, named = _tokens(_text(file.content))
            values += counted
            names |= named
    return values, names


def _lost(base: Tree, yours: Tree, new: Tree, result: Result) -> Iterator[str]:
    """What one side added is in the result; markers, and a file beside, count as the result."""
    left_out = frozenset(
        outcome.path
        for outcome in result.outcomes
        if outcome.kind == Kind.STILL_DELETED or any("stays deleted" in n for n in outcome.notes)
    )
    before, known = _all_tokens(base)
    mine, my_names = _all_tokens(yours)
    theirs, their_names = _all_tokens(new, left_out)
    found, names = _result_tokens(result)
    removed_files = before - _all_tokens(base, left_out)[0]
    for name in (my_names - known) - names:
        yield f"lost: the name {name} that you added"
    for name in (their_names - known) - names:
        yield f"lost: the name {name} that the new render added"
    for token in mine.keys() | theirs.keys():
        you, they = mine[token] - before[token], theirs[token] - before[token]
        they += removed_files[token] if they < 0 else 0
        least = max(you, they) if min(you, they) >= 0 else you + they
        if max(you, they) > 0 and found[token] < before[token] + least:
            who = "you" if you > 0 else "the new render"
            yield f"lost: {token!r} that {who} added"


def _result_tokens(result: Result) -> tuple[Counter[str], set[str]]:
    """The tokens of each side of every conflict, whichever has more."""
    values: Counter[str] = Counter()
    names: set[str] = set()
    for path, file in result.tree.items():
        if not path.removesuffix(".new").endswith(".py"):
            continue
        text = _text(file.content)
        either: Counter[str] = Counter()
        for side in set(sides(text)):
            try:
                counted, named = _tokens(side)
            except (SyntaxError, tokenize.TokenError):
                continue
            either |= counted
            names |= named
        values += either
    return values, names


# Names.


def _names(yours: Tree, new: Tree, result: Result) -> Iterator[str]:
    """What resolved on both sides resolves in a clean result."""
    marked = {path for path, file in result.tree.items() if START.encode() in file.content}
    if marked or result.conflicts:
        return
    known = _unresolved(yours) | _unresolved(new)
    for name in sorted(_unresolved(result.tree) - known):
        yield f"no longer resolves: {name}"


def _unresolved(tree: Tree) -> set[str]:
    """Names without a definition: of modules, imported from each other, and attributes of self."""
    modules = {_module(path): path for path in tree if path.endswith(".py")}
    found = set()
    for module, path in modules.items():
        content = tree[path].content
        for name in _free_names(content):
            found.add(name if name.startswith("self.") else f"{name} in {module}")
        for source, name in _imported(content):
            if source in modules:
                inside = _bound(tree[modules[source]].content)
                if name not in inside and f"{source}.{name}" not in modules:
                    found.add(f"{source}.{name} imported by {module}")
            elif source.split(".")[0] == "sample_run":
                found.add(f"{source} imported by {module}")
    return found


def _module(path: str) -> str:
    name = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
    return name.removesuffix(".__init__")


@lru_cache(maxsize=300)
def _free_names(content: bytes) -> frozenset[str]:
    """Global names that nothing binds, and attributes of self that are read and never set."""
    text = _text(content)
    bound = _bound(content)
    free: set[str] = set()

    def look(table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            if symbol.is_global() and symbol.is_referenced() and symbol.get_name() not in bound:
                free.add(symbol.get_name())
        for child in table.get_children():
            look(child)

    look(symtable.symtable(text, "text", "exec"))
    free -= set(dir(builtins)) | {"__file__", "__doc__"}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            free |= {f"self.{name}" for name in _attributes_without_value(node)}
    return frozenset(free)


def _attributes_without_value(node: ast.ClassDef) -> set[str]:
    read: set[str] = set()
    written = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and ast.unparse(each.value) == "self":
            (read if isinstance(each.ctx, ast.Load) else written).add(each.attr)
        elif isinstance(each, ast.AnnAssign | ast.Assign) and each in node.body:
            targets = each.targets if isinstance(each, ast.Assign) else [each.target]
            written |= {target.id for target in targets if isinstance(target, ast.Name)}
    return read - written


@lru_cache(maxsize=300)
def _bound(content: bytes) -> frozenset[str]:
    table = symtable.symtable(_text(content), "text", "exec")
    return frozenset(
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    )


@lru_cache(maxsize=300)
def _imported(content: bytes) -> frozenset[tuple[str, str]]:
    return frozenset(
        (node.module, each.name)
        for node in ast.walk(ast.parse(_text(content)))
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for each in node.names
    )
