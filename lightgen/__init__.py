"""lightgen writes ready-to-run PyTorch Lightning projects with the optimizer wiring asked for."""

__version__ = "0.1.0"
