"""Where edits and changes of the spec meet, and why there is no one right answer."""

from __future__ import annotations

from collections.abc import Collection

# Where an edit and a spec change touch the same thing, and why there is no one right answer.
# A conflict is allowed in these and nowhere else; a clean merge must be right in all.
_CALL = "the change puts the group into a call of split_decay, or takes it out"
_CALLEE = "the change calls another class, which may not take the keyword"
_RATE = "the change gives the rate another number, the edit a name"
_TEXT = "both reword one text"
_LINE = "both change one line of README.md: what it says, and the file that it names"
_PLACE = "both insert a statement at one place, and their order may matter"
_WRAPS = ("AdamW to SGD", "SGD to AdamW", "custom to AdamW", "AdamW to custom", "much at once")
MEET: dict[str, dict[str, str]] = {
    "comment_behind_a_rate": dict.fromkeys(_WRAPS, _CALL),
    "comment_above_a_group": dict.fromkeys(
        ("AdamW to SGD", "AdamW to custom", "much at once"), _CALL
    ),
    "keyword_for_the_optimizer": dict.fromkeys(
        ("AdamW to SGD", "SGD to AdamW", "custom to AdamW", "AdamW to custom", "much at once"),
        _CALLEE,
    ),
    "rate_hoisted_to_a_constant": dict.fromkeys(("a rate", "every rate"), _RATE),
    "docstring_of_the_module": dict.fromkeys(
        ("a scheduler in", "a scheduler out", "much at once"), _TEXT
    ),
    "docstring_of_the_class": {"the task": _TEXT},
    "module_renamed": dict.fromkeys((*_WRAPS, "a group fewer"), _LINE),
    "file_moved_and_edited": dict.fromkeys((*_WRAPS, "a group fewer"), _LINE),
    "hoisted_to_a_constant": {"precision": _PLACE},
}

# Where the answer is right but for an import that nothing needs.
LEFT_OVER = {("changed_function_moved_to_a_new_file", "AdamW to custom")}


def without_left_overs(found: list[str], edits: Collection[str], change: str) -> list[str]:
    """The differences but for imports that may stay."""
    if any((edit, change) in LEFT_OVER for edit in edits):
        return [each for each in found if ": imports differ" not in each]
    return found
