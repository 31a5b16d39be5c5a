"""The merge of one file: by what its name says that it holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from lightgen.merge.lines import merge_lines
from lightgen.merge.outcome import CannotMergeError, Labels, Merged, MergedText
from lightgen.merge.text import decode
from lightgen.tree import File

if TYPE_CHECKING:
    from lightgen.merge.python.reader import Elsewhere

MergeText: TypeAlias = Callable[[str, str, str, Labels], MergedText]


def merge_content(
    base: bytes,
    yours: bytes,
    new: bytes,
    path: str,
    labels: Labels | None = None,
    elsewhere: Elsewhere | None = None,
) -> Merged | None:
    """Merge three versions of the file at `path`, a POSIX path; None for what is no text.

    `elsewhere` is what is known of the project's other Python files. Line ends, byte-order mark
    and encoding are those of `yours`.
    """
    if new in (base, yours):
        return Merged(yours)
    renames = elsewhere is not None and bool(elsewhere.renames)
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
        merge = _merge_for(path, elsewhere)
        try:
            merged = merge(before.text, mine.text, theirs.text, labels or Labels())
        except CannotMergeError:
            merged = merge_lines(before.text, mine.text, theirs.text, labels or Labels())
    try:
        return Merged(mine.encode(merged.text), merged.conflicts, merged.notes)
    except UnicodeEncodeError:
        return None


def is_same(base: File, yours: File, path: str) -> bool:
    """Whether two versions of a file differ in nothing but their layout."""
    if base.content == yours.content:
        return base.executable == yours.executable
    before, mine = (decode(file.content, path) for file in (base, yours))
    if before is None or mine is None or base.executable != yours.executable:
        return False
    if before.text == mine.text:
        return True
    if not path.endswith(".py"):
        return False
    from lightgen.merge.python import is_same_text

    return is_same_text(before.text, mine.text)


def _merge_for(path: str, elsewhere: Elsewhere | None) -> MergeText:
    """The merge for a file of that name. What it needs is imported only now."""
    name = path.rpartition("/")[2]
    suffix = name.rpartition(".")[2] if "." in name.lstrip(".") else ""
    if suffix in ("py", "pyi"):
        from lightgen.merge.python import merge_python

        return partial(merge_python, elsewhere=elsewhere)
    if suffix == "toml":
        from lightgen.merge.toml import merge_toml

        return merge_toml
    if suffix in ("yaml", "yml", "json"):
        from lightgen.merge.mappings import merge_mappings

        return merge_mappings
    if suffix == "md":
        from lightgen.merge.markdown import merge_markdown

        return merge_markdown
    if (name.startswith(".") and name.endswith("ignore")) or name == ".gitattributes":
        from lightgen.merge.ignore import merge_ignore

        return merge_ignore
    return merge_lines
