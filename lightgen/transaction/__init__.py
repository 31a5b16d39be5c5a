"""The only part that writes into a project: all changes, or none, whatever happens meanwhile.

A change is first laid out in full: a journal of it in `.lightgen/backup/`, and each new file under
a temporary name in the folder where it belongs. One rename of the journal commits it. From then on
each file takes its place by a rename, and a last rename of the journal makes it the record that
can be undone. The name of the journal says how far a run came that was cut off: what is `staged`
or `aborted` is taken back, what is `committed` or `done` is brought to its end.
"""

from lightgen.transaction.change import Undo, is_cut_off, locked, read_undo, write_changes

__all__ = ["Undo", "is_cut_off", "locked", "read_undo", "write_changes"]
