"""The merge of Python files by structure."""

from lightgen.merge.python.merge import is_same_text, merge_python

__all__ = ["is_same_text", "merge_python"]
