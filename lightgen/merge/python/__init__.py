"""The merge of Python files by structure."""

from lightgen.merge.python.merge import merge_python

__all__ = ["merge_python"]
