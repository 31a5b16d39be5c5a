"""What a side renamed consistently: found by comparing it with the base, applied to the rest."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lightgen.merge.python.align import align
from lightgen.merge.python.blocks import Statement
from lightgen.merge.python.source import Occurrence, Source, statements_in
from lightgen.merge.python.splice import Edit, apply_edits

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = _Function | ast.ClassDef
_MODULE = ""
_SELF = "self"
ANY = "*"

Place = tuple[str, str]  # scope, name; the scope of attributes is the text of their object + "."


@dataclass(frozen=True)
class Renames:
    """Old names and new ones.

    `names` are those of the module itself, `local` those of an outermost function by its
    qualified name, `attributes` by the object (`self.`, `model.net.`) that they are taken from, or
    ANY. `imported` are names by the module that they are imported from, `modules` whole modules,
    `members` attributes of a class by its name, `keywords` parameters of what is imported;
    `homes` is the module to which a definition of another has moved.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    local: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    imported: Mapping[tuple[str, str], str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[tuple[str, str], str] = field(default_factory=dict)
    keywords: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    homes: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        own = self.names or any(self.local.values()) or any(self.attributes.values())
        other = self.imported or self.modules or self.members or self.keywords or self.homes
        return bool(own or other)


def occurrences(source: Source) -> list[Occurrence]:
    """All identifiers of a file with their scopes, in no order."""
    if source.identifiers is None:
        source.identifiers = list(_Reader(source).read(source.tree, _Scope(_MODULE, frozenset())))
    return source.identifiers


@dataclass(frozen=True)
class _Scope:
    name: str
    bound: frozenset[str]
    in_class: bool = False

    def of(self, name: str) -> str:
        return self.name if name in self.bound else _MODULE


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source

    def read(self, node: ast.AST, scope: _Scope) -> Iterator[Occurrence]:
        for child in ast.iter_child_nodes(node):
            yield from self._own(child, scope)
            yield from self.read(child, self._inner(child, scope))

    def _inner(self, node: ast.AST, scope: _Scope) -> _Scope:
        if isinstance(node, ast.ClassDef) and not scope.bound:
            return _Scope(f"{scope.name}{node.name}.", frozenset(), in_class=True)
        if isinstance(node, _Function) and not scope.bound:
            return _Scope(f"{scope.name}{node.name}", _bound_in(node) | {"\0"})
        return scope

    def _own(self, node: ast.AST, scope: _Scope) -> Iterator[Occurrence]:
        match node:
            case ast.Name(id=name, ctx=ctx):
                start = self.source.span(node)[0]
                binds = isinstance(ctx, ast.Store) and not scope.in_class
                yield Occurrence(start, scope.of(name), name, binds)
            case ast.arg(arg=name):
                yield Occurrence(self.source.span(node)[0], scope.of(name), name, True)
            case ast.Attribute(value=value, attr=name, ctx=ctx):
                at = self.source.span(node)[1] - len(name)
                binds = isinstance(ctx, ast.Store)
                yield Occurrence(at, f"{ast.unparse(value)}.", name, binds)
            case ast.alias(name=name, asname=asname) if name.isidentifier():
                start = self.source.span(node)[0 if asname is None else 1] - len(asname or "")
                yield Occurrence(
                    start, scope.of(asname or name), asname or name, False, is_alias=True
                )
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                where = f"{_SELF}." if scope.in_class else scope.of(node.name)
                yield Occurrence(self._name_at(node), where, node.name, True, True)

    def _name_at(self, node: _Definition) -> int:
        start = self.source.span(node)[0]
        match = re.compile(r"(?:async\s+)?(?:def|class)\s+").match(self.source.text, start)
        assert match
        return match.end()


def _bound_in(function: _Function) -> frozenset[str]:
    """The names that a function and those within it bind."""
    found: set[str] = set()
    outside: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, _Definition) and node is not function:
            found.add(node.name)
        elif isinstance(node, ast.Global):
            outside.update(node.names)
    return frozenset(found - outside)


def find_renames(base: Source, yours: Source) -> Renames:
    """What you renamed everywhere in a file: the old name is gone, the new one was not there."""
    votes: dict[Place, Counter[str]] = defaultdict(Counter)
    reads = _read(base), _read(yours)
    _vote(base, yours, base.tree.body, yours.tree.body, reads, votes)
    bound = [_places(source, binding=True) for source in (base, yours)]
    all_places = [_places(source, binding=False) for source in (base, yours)]
    moved = _scopes(base, yours, votes)
    aliases = _aliases_renamed(base, yours)
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for (scope, old), counted in votes.items():
        if len(counted) != 1:
            continue
        (new,) = counted
        there = moved.get(scope, scope)
        gone = (there, old) not in all_places[1] and (scope, new) not in all_places[0]
        held = (scope, old) in bound[0] and (there, new) in bound[1]
        held = held or aliases.get(old) == new
        if new != old and gone and (held or _follows(scope)):
            found[scope][old] = new
    return _renames(found)


def _aliases_renamed(base: Source, yours: Source) -> dict[str, str]:
    """What the same things are imported as on both sides, by the name in the base."""
    before, after = (dict(_bound_imports(source)) for source in (base, yours))
    return {before[thing]: after[thing] for thing in before.keys() & after.keys()}


def _bound_imports(source: Source) -> Iterator[tuple[tuple[str, str], str]]:
    for node in source.tree.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield (f"{node.level}{node.module}", alias.name), alias.asname or alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname or alias.name.isidentifier():
                    yield ("", alias.name), alias.asname or alias.name


def _follows(scope: str) -> bool:
    """Attributes of other objects than self are bound elsewhere."""
    return scope.endswith(".") and scope != f"{_SELF}."


def _renames(found: Mapping[str, dict[str, str]]) -> Renames:
    attributes = {scope: names for scope, names in found.items() if scope.endswith(".")}
    own = set(attributes.get(f"{_SELF}.", {}).items())
    kept = {
        scope: {old: new for old, new in names.items() if scope == f"{_SELF}." or (old, new) in own}
        for scope, names in attributes.items()
    }
    local = {s: names for s, names in found.items() if s and not s.endswith(".")}
    return Renames(found.get(_MODULE, {}), local, {s: n for s, n in kept.items() if n})


def _scopes(base: Source, yours: Source, votes: Mapping[Place, Counter[str]]) -> dict[str, str]:
    """Names of functions' scopes in yours, where a function or its class was renamed."""
    names = {old: next(iter(new)) for (_, old), new in votes.items() if len(new) == 1}
    moved: dict[str, str] = {}
    known = {o.scope for o in occurrences(yours)}
    for scope in {o.scope for o in occurrences(base)}:
        there = ".".join(names.get(part, part) for part in scope.split("."))
        if there != scope and there in known:
            moved[scope] = there
    return moved


def _read(source: Source) -> dict[int, Occurrence]:
    return {occurrence.start: occurrence for occurrence in occurrences(source)}


def _places(source: Source, *, binding: bool) -> set[Place]:
    return {(o.scope, o.name) for o in occurrences(source) if o.binds or not binding}


def _vote(
    base: Source,
    yours: Source,
    before: Sequence[ast.stmt],
    after: Sequence[ast.stmt],
    reads: tuple[dict[int, Occurrence], dict[int, Occurrence]],
    votes: dict[Place, Counter[str]],
) -> None:
    """Pair statements, and count for each identifier what stands in its place."""
    pieces = [
        [Statement(source, node, 0, 0, 0) for node in nodes]
        for source, nodes in ((base, before), (yours, after))
    ]
    for b, u in align(*pieces).items():
        _vote_pair(base, yours, before[b], after[u], reads, votes)


def _vote_pair(
    base: Source,
    yours: Source,
    one: ast.AST,
    other: ast.AST,
    reads: tuple[dict[int, Occurrence], dict[int, Occurrence]],
    votes: dict[Place, Counter[str]],
) -> None:
    if type(one) is not type(other):
        return
    _count(base, yours, one, other, reads, votes)
    for name in one._fields:
        left, right = getattr(one, name, None), getattr(other, name, None)
        if isinstance(left, ast.AST) and isinstance(right, ast.AST):
            _vote_pair(base, yours, left, right, reads, votes)
        elif isinstance(left, list) and isinstance(right, list):
            if left and isinstance(left[0], ast.stmt) and right:
                _vote(base, yours, left, right, reads, votes)
            elif len(left) == len(right):
                for pair in zip(left, right, strict=True):
                    if all(isinstance(item, ast.AST) for item in pair):
                        _vote_pair(base, yours, *pair, reads, votes)


def _count(
    base: Source,
    yours: Source,
    one: ast.AST,
    other: ast.AST,
    reads: tuple[dict[int, Occurrence], dict[int, Occurrence]],
    votes: dict[Place, Counter[str]],
) -> None:
    starts = _identifier_start(base, one), _identifier_start(yours, other)
    if starts[0] in reads[0] and starts[1] in reads[1]:
        before, after = reads[0][starts[0]], reads[1][starts[1]]
        votes[before.scope, before.name][after.name] += 1


def _identifier_start(source: Source, node: ast.AST) -> int:
    match node:
        case ast.Name() | ast.arg():
            return source.span(node)[0]
        case ast.Attribute(attr=attr):
            return source.span(node)[1] - len(attr)
        case ast.alias(asname=asname):
            return source.span(node)[0 if asname is None else 1] - len(asname or "")
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return _Reader(source)._name_at(node)
    return -1


def members_renamed(base: Source, renames: Renames) -> dict[tuple[str, str], str]:
    """What was renamed of the classes of a file, by class and old name."""
    own = renames.attributes.get(f"{_SELF}.", {})
    found: dict[tuple[str, str], str] = {}
    for node in statements_in(base.tree) if own else ():
        if isinstance(node, ast.ClassDef):
            name = renames.names.get(node.name, node.name)
            found |= {(name, old): new for old, new in own.items() if _has_member(node, old)}
    return found


def _has_member(node: ast.ClassDef, name: str) -> bool:
    return any(
        (isinstance(inner, ast.Attribute) and inner.attr == name and _is_self(inner.value))
        or (isinstance(inner, ast.FunctionDef) and inner.name == name)
        for inner in ast.walk(node)
    )


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == _SELF


def attributes_in(source: Source) -> set[tuple[str, str]]:
    """Objects other than self, and the attributes that are taken from them."""
    return {
        (o.scope, o.name)
        for o in occurrences(source)
        if o.scope.endswith(".") and o.scope != f"{_SELF}." and not o.is_definition
    }


def _objects(source: Source, classes: set[str]) -> dict[str, str]:
    """Names of a file that are objects of some classes, by what is assigned or annotated."""
    found: dict[str, str] = {}
    for node in ast.walk(source.tree) if classes else ():
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=func)):
                maker = ast.unparse(func).partition(".")[0]
            case ast.arg(arg=name, annotation=annotation) if annotation:
                maker = ast.unparse(annotation)
            case _:
                continue
        if maker in classes:
            found[f"{name}."] = maker
    return found


def renamed(source: Source, renames: Renames) -> str:
    """The text of a file with the new names."""
    imported = _imported(source, renames)
    names = {**renames.names, **imported}
    classes = {cls for cls, _ in renames.members}
    objects = _objects(source, classes)
    edits = []
    for occurrence in occurrences(source):
        scope, old = occurrence.scope, occurrence.name
        if scope == _MODULE:
            new = names.get(old)
        elif scope.endswith("."):
            new = renames.attributes.get(scope, {}).get(old)
            if not new and scope != f"{_SELF}.":
                made = scope.partition("(")[0]
                owner = objects.get(scope, made)
                new = renames.members.get((owner, old)) or renames.attributes.get(ANY, {}).get(old)
        else:
            new = renames.local.get(scope, {}).get(old)
        if new and occurrence.is_alias and imported.get(old) != new:
            edits.append(_alias_edit(source, occurrence, new))
        elif new and not occurrence.is_alias:
            edits.append(Edit(occurrence.start, occurrence.start + len(old), new))
    edits += _import_edits(source, renames)
    edits += _exported_edits(source, names)
    edits += _keyword_edits(source, renames)
    return apply_edits(source.text, edits)


def _alias_edit(source: Source, occurrence: Occurrence, new: str) -> Edit:
    """Import under the new name what is imported under another or under its own."""
    start, end = occurrence.start, occurrence.start + len(occurrence.name)
    has_other = source.text[:start].rstrip().endswith(" as")
    return Edit(start, end, new) if has_other else Edit(end, end, f" as {new}")


def _exported_edits(source: Source, names: Mapping[str, str]) -> Iterator[Edit]:
    """The texts in __all__."""
    for node in source.tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                for text in ast.walk(value):
                    match text:
                        case ast.Constant(value=str(old)) if old in names:
                            start = source.text.index(old, source.span(text)[0])
                            yield Edit(start, start + len(old), names[old])


def without(renames: Renames, others: Renames) -> Renames:
    """Renames but for those of names that others rename to something else."""
    taken: dict[str, set[str]] = defaultdict(set)
    for old, new in _pairs(others):
        taken[old].add(new)

    def kept(names: Mapping[str, str]) -> dict[str, str]:
        return {old: new for old, new in names.items() if taken.get(old, {new}) == {new}}

    return replace(
        renames,
        names=kept(renames.names),
        local={scope: kept(names) for scope, names in renames.local.items()},
        attributes={scope: kept(names) for scope, names in renames.attributes.items()},
    )


def _pairs(renames: Renames) -> Iterator[tuple[str, str]]:
    yield from renames.names.items()
    for names in (*renames.local.values(), *renames.attributes.values()):
        yield from names.items()


def _imported(source: Source, renames: Renames) -> dict[str, str]:
    """Names that a file imports under their own name from a module that has renamed them."""
    return {
        alias.name: renames.imported[node.module or "", alias.name]
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if not alias.asname and (node.module or "", alias.name) in renames.imported
    }


def _import_edits(source: Source, renames: Renames) -> Iterator[Edit]:
    for node in statements_in(source.tree):
        if isinstance(node, ast.ImportFrom):
            yield from _from_edits(source, node, renames)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in renames.modules:
                    start = source.span(alias)[0]
                    yield Edit(start, start + len(alias.name), renames.modules[alias.name])


def _from_edits(source: Source, node: ast.ImportFrom, renames: Renames) -> Iterator[Edit]:
    module = node.module or ""
    if any((module, alias.name) in renames.homes for alias in node.names):
        yield _by_home(source, node, renames)
        return
    for alias in node.names:
        new = renames.imported.get((module, alias.name))
        if new:
            start = source.span(alias)[0]
            yield Edit(start, start + len(alias.name), new)
    if module in renames.modules:
        start = source.text.index(module, source.span(node)[0] + len("from"))
        yield Edit(start, start + len(module), renames.modules[module])


def _by_home(source: Source, node: ast.ImportFrom, renames: Renames) -> Edit:
    """One import a module, for names that are not in one module any more."""
    module = node.module or ""
    homes: dict[str, list[ast.alias]] = defaultdict(list)
    for alias in node.names:
        home = renames.homes.get((module, alias.name)) or renames.modules.get(module, module)
        name = renames.imported.get((module, alias.name), alias.name)
        homes[home].append(ast.alias(name, alias.asname))
    start, end = source.span(node)
    indent = source.indent_of(source.line_of(start))
    lines = [ast.unparse(ast.ImportFrom(home, names, 0)) for home, names in sorted(homes.items())]
    return Edit(start, end, f"\n{indent}".join(lines))


def called_as(scope: str) -> str:
    """The name by which a function is called, given its qualified name."""
    return scope.removesuffix(".__init__").rpartition(".")[2]


def _keyword_edits(source: Source, renames: Renames) -> Iterator[Edit]:
    """Parameters that were renamed, in calls that name them."""
    names = {called_as(scope): found for scope, found in renames.local.items()}
    for node in ast.walk(source.tree) if renames.keywords else ():
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found = renames.keywords.get((node.module or "", alias.name))
                if found:
                    names[alias.asname or alias.name] = found
    for node in ast.walk(source.tree) if names else ():
        if not isinstance(node, ast.Call):
            continue
        function = getattr(node.func, "attr", getattr(node.func, "id", ""))
        for keyword in node.keywords:
            new = names.get(function, {}).get(keyword.arg or "")
            if new:
                start = source.span(keyword)[0]
                yield Edit(start, start + len(keyword.arg or ""), new)
