"""Comparisons of speed with peers; see README.md."""
