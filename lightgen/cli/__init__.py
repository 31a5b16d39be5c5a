"""The command line: the only part that prints, sets exit codes and knows typer."""
