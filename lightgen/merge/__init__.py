"""Three-way merge of files and folders: by structure where there is one, never by guess.

`merge_content` merges one file, `merge_trees` a whole project. Both are pure functions and know
nothing of specs or of `.lightgen/`.
"""

from lightgen.merge.content import merge_content
from lightgen.merge.outcome import Conflict, Labels, Merged
from lightgen.merge.trees import Kind, Outcome, Yours, merge_trees

__all__ = [
    "Conflict",
    "Kind",
    "Labels",
    "Merged",
    "Outcome",
    "Yours",
    "merge_content",
    "merge_trees",
]
