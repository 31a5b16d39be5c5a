"""The rule file in an update: which text is compiled, and what becomes of the file.

It is input, as the spec is: an edited one is compiled as it stands. So it takes no part in what is
merged across files, where it would be taken for code that was moved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from shlex import quote

from lightgen.merge import Labels, Outcome, Yours, merge_content, merge_trees
from lightgen.problems import Problem, ProjectError
from lightgen.rulefile import refuse_markers
from lightgen.spec.rule import RuleFile
from lightgen.tree import File, Tree


def rule_to_compile(
    path: str, base: File | None, yours: Yours, given: RuleFile | None, *, restored: bool
) -> RuleFile | None:
    """What an update compiles: the user's file; where one is given, that with the user's edits.

    None where there is none. Raises ProjectError where it is gone or can't be merged.
    """
    if path in yours.blocked:
        raise ProjectError(Problem(path, yours.blocked[path], "make the rule a plain file"))
    mine = yours.files.get(path)
    if mine is not None:
        refuse_markers(mine, path)
        return RuleFile(mine, path) if given is None else _replaced(path, base, mine, given)
    if given is not None or base is None:
        return given
    if restored:
        return RuleFile(base, path)
    todo = f"bring it back: lightgen update --restore {quote(path)}; or give one with --rule FILE"
    raise ProjectError(Problem(path, "the rule is gone", todo))


def _replaced(path: str, base: File | None, mine: File, given: RuleFile) -> RuleFile:
    new = given.file.content
    if mine.content == new or (base and mine.content == base.content):
        return RuleFile(File(new, mine.executable), given.where)
    if base is None:
        what = f"is a file of yours, and {given.where} is another"
    else:
        merged = merge_content(base.content, mine.content, new, path)
        if merged is not None and not merged.conflicts:
            where = f"{path} merged with {given.where}"
            return RuleFile(File(merged.content, mine.executable), where)
        what = f"has edits of yours where {given.where} changes it, too"
    todo = f"put what you want of it into {path} and run lightgen update, or remove {path}"
    raise ProjectError(Problem(path, what, todo))


def merge_apart(
    base: Tree, yours: Yours, new: Tree, labels: Labels, apart: Collection[str]
) -> tuple[Outcome, ...]:
    """`merge_trees`, with some paths each on its own."""
    others = Yours(_Without(yours.files, apart), yours.blocked)
    found = [*merge_trees(_Without(base, apart), others, _Without(new, apart), labels)]
    for path in sorted(apart):
        sides = [{path: tree[path]} if path in tree else {} for tree in (base, yours.files, new)]
        found += merge_trees(sides[0], Yours(sides[1], yours.blocked), sides[2], labels)
    return tuple(sorted(found, key=lambda outcome: outcome.path))


class _Without(Mapping[str, File]):
    """A tree without some paths; nothing is read that is not looked at."""

    def __init__(self, files: Tree, left_out: Collection[str]) -> None:
        self._files = files
        self._left_out = left_out

    def __getitem__(self, path: str) -> File:
        if path in self._left_out:
            raise KeyError(path)
        return self._files[path]

    def __contains__(self, path: object) -> bool:
        return path not in self._left_out and path in self._files

    def __iter__(self) -> Iterator[str]:
        return (path for path in self._files if path not in self._left_out)

    def __len__(self) -> int:
        return sum(1 for _ in self)
