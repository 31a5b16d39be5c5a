"""The entry point: whatever happens, an exit code and at most a message."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from dataclasses import asdict
from typing import Any, NoReturn

from lightgen.problems import Problem, ProjectError

INTERRUPTED, BUG, WRONG_USAGE = 130, 70, 2


def run() -> NoReturn:
    """Run the command line and exit."""
    try:
        _hasten()
        _prepare()
        code = _invoke(sys.argv[1:])
        sys.stdout.flush()
    except (KeyboardInterrupt, EOFError):
        print("interrupted; nothing is half-written", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        code = 0
    except OSError as error:
        code = _report_os_error(error)
    except Exception:
        import traceback

        traceback.print_exc()
        print("this is a bug of lightgen; please report it with the lines above", file=sys.stderr)
        code = BUG
    _exit(code)


def _hasten() -> None:
    """Leave out what takes time and does nothing for a command that lives for a moment."""
    # What is made while modules are imported stays: there is no garbage to look for.
    gc.set_threshold(100_000)
    # Looking for plugins reads the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def _prepare() -> None:
    """Make a request to stop an interrupt, and any text printable wherever it goes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or sys.stdout
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _invoke(words: list[str]) -> int:
    """Do what the words say; typer's own main would swallow interrupts and closed pipes."""
    import typer

    from lightgen.cli.app import app

    usage_error: Any = typer.BadParameter.__base__
    if "_LIGHTGEN_COMPLETE" in os.environ:
        app(prog_name="lightgen")
    command = typer.main.get_command(app)
    try:
        with command.make_context("lightgen", words) as context:
            command.invoke(context)
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    except SystemExit:  # what rich makes of a closed pipe
        raise BrokenPipeError from None
    except usage_error as error:
        if "--json" in words:
            _tell(WRONG_USAGE, Problem("command line", error.format_message(), "see --help"))
        else:
            error.show()
        return WRONG_USAGE
    return 0


def _report_os_error(error: OSError) -> int:
    """The environment refused something that no command foresaw."""
    what = f"the system refused ({error.strerror or error})"
    problem = Problem(str(error.filename or ""), what, "check space and permissions")
    code = ProjectError.exit_code
    with contextlib.suppress(OSError):  # there may be nowhere to say it
        _tell(code, problem)
    return code


def _tell(code: int, problem: Problem) -> None:
    from lightgen.cli.report import print_json, print_problem

    if "--json" in sys.argv[1:]:
        print_json(code, problems=[asdict(problem)])
    else:
        print_problem(problem)


def _exit(code: int) -> NoReturn:
    """Exit without a complaint about a closed pipe or a full disk."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    gc.freeze()  # else the interpreter searches everything for garbage, a sixth of the run
    sys.exit(code)
