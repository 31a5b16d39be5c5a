"""Helpers of the tests: projects rendered in memory, and run in forked children."""
