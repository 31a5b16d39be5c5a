"""python -m lightgen."""

from lightgen.cli.entry import run

if __name__ == "__main__":
    run()
