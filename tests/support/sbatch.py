"""What sbatch makes of a batch script, read from its manual and not from lightgen.

Options are read from lines that begin with #SBATCH, up to the first command; words are split as a
shell splits them, and there is nothing that sbatch would expand.
"""

from __future__ import annotations

import re
import shlex

_COUNT = r"[1-9][0-9]*"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.,+-]*"
# Options of sbatch that take a value, and what it may be; None: the option takes none.
OPTIONS: dict[str, str | None] = {
    "job-name": r"[A-Za-z0-9_-]+",
    "nodes": rf"{_COUNT}(-{_COUNT})?",
    "ntasks-per-node": _COUNT,
    "gpus-per-node": rf"([a-z0-9]+:)?{_COUNT}",
    "cpus-per-task": _COUNT,
    "mem": r"[0-9]+[KMGT]?",
    # minutes, minutes:seconds, hours:minutes:seconds, days-hours[:minutes[:seconds]]
    "time": r"[0-9]+|[0-9]+:[0-9]+|[0-9]+:[0-9]+:[0-9]+|[0-9]+-[0-9]+(:[0-9]+){0,2}",
    "partition": _NAME,
    "account": _NAME,
    "qos": _NAME,
    "constraint": r"[A-Za-z0-9_.,&|*()\[\]:-]+",
    "output": r"[A-Za-z0-9_./%-]+",
    "open-mode": "append|truncate",
    "requeue": None,
    # [R:|B:]signal[@seconds]
    "signal": r"([RB]{1,2}:)?[A-Z0-9]+(@[0-9]{1,5})?",
}


def sbatch_options(script: str) -> dict[str, str | None]:
    """The options of a script by their names; raises ValueError for what sbatch would refuse."""
    lines = script.splitlines()
    if not lines[0].startswith("#!"):
        raise ValueError("no interpreter")
    found: dict[str, str | None] = {}
    for line in lines[1:]:
        if line and not line.startswith("#"):
            break
        if not line.startswith("#SBATCH"):
            continue
        for word in shlex.split(line.removeprefix("#SBATCH"), comments=True):
            name, equals, value = word.removeprefix("--").partition("=")
            if not word.startswith("--") or name not in OPTIONS or name in found:
                raise ValueError(f"sbatch: unknown or repeated option {word}")
            pattern = OPTIONS[name]
            if (pattern is None) == bool(equals):
                raise ValueError(f"sbatch: a value is missing or too much: {word}")
            if pattern is not None and not re.fullmatch(pattern, value):
                raise ValueError(f"sbatch: invalid {name}: {value}")
            found[name] = value if equals else None
    return found
