"""The entry point: whatever happens, an exit code and at most a message."""

from __future__ import annotations

import os
import sys

INTERRUPTED, BUG = 130, 70


def run() -> None:
    """Run the command line and exit."""
    from lightgen.cli.app import app

    try:
        app()
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        _exit(INTERRUPTED)
    except BrokenPipeError:
        _exit(0)
    except Exception:
        import traceback

        traceback.print_exc()
        print("this is a bug of lightgen; nothing was written", file=sys.stderr)
        _exit(BUG)


def _exit(code: int) -> None:
    """Exit without a complaint about a closed pipe."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(devnull, sys.stdout.fileno())
    sys.exit(code)
