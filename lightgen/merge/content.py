"""The merge of one file: by what its name says that it holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from lightgen.merge.lines import merge_lines
from lightgen.merge.outcome import CannotMergeError, Labels, Merged, MergedText
from lightgen.merge.text import decode

if TYPE_CHECKING:
    from lightgen.merge.python.renames import Renames

MergeText: TypeAlias = Callable[[str, str, str, Labels], MergedText]


def merge_content(
    base: bytes,
    yours: bytes,
    new: bytes,
    path: str,
    labels: Labels | None = None,
    renames: Renames | None = None,
) -> Merged | None:
    """Merge three versions of the file at `path`, a POSIX path; None for what is no text.

    `renames` are what you renamed in other Python files of the project. Line ends, byte-order mark
    and encoding are those of `yours`.
    """
    if new in (base, yours):
        return Merged(yours)
    if yours == base and not renames:
        return Merged(new)
    texts = [decode(content, path) for content in (base, yours, new)]
    if any(text is None for text in texts):
        return None
    before, mine, theirs = (text for text in texts if text)
    if before.text == theirs.text:
        return Merged(yours)
    merged = MergedText(theirs.text)
    if before.text != mine.text or renames:
        merge = _merge_for(path, renames)
        try:
            merged = merge(before.text, mine.text, theirs.text, labels or Labels())
        except CannotMergeError:
            merged = merge_lines(before.text, mine.text, theirs.text, labels or Labels())
    try:
        return Merged(mine.encode(merged.text), merged.conflicts, merged.notes)
    except UnicodeEncodeError:
        return None


def _merge_for(path: str, renames: Renames | None) -> MergeText:
    """The merge for a file of that name. What it needs is imported only now."""
    name = path.rpartition("/")[2]
    suffix = name.rpartition(".")[2] if "." in name.lstrip(".") else ""
    if suffix in ("py", "pyi"):
        from lightgen.merge.python import merge_python

        return partial(merge_python, elsewhere=renames)
    if suffix == "toml":
        from lightgen.merge.toml import merge_toml

        return merge_toml
    if suffix in ("yaml", "yml", "json"):
        from lightgen.merge.mappings import merge_mappings

        return merge_mappings
    if suffix == "md":
        from lightgen.merge.markdown import merge_markdown

        return merge_markdown
    if name.startswith(".") and name.endswith("ignore") or name == ".gitattributes":
        from lightgen.merge.ignore import merge_ignore

        return merge_ignore
    return merge_lines
