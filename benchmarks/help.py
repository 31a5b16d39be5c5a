"""`lightgen --help` against the --help of typer's hello world: what every command waits for."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.compare import measure, parser, print_ratios, script, seconds_of

HELLO = '''\
import typer

app = typer.Typer()


@app.command()
def hello(name: str) -> None:
    """Greet somebody."""
    print(f"Hello {name}")


if __name__ == "__main__":
    app()
'''


def main() -> None:
    arguments = parser(__doc__, rounds=20).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        hello = home / "hello.py"
        hello.write_text(HELLO, encoding="utf-8")
        contestants = {
            "typer hello --help": [sys.executable, str(hello), "--help"],
            "lightgen --help": [script("lightgen"), "--help"],
        }
        runs = {
            name: partial(seconds_of, command, home=home) for name, command in contestants.items()
        }
        times = measure(runs, arguments.rounds)
    print_ratios(times, "typer hello --help", unit="milliseconds", scale=1e3)


if __name__ == "__main__":
    main()
