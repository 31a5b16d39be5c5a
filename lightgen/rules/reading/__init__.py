"""Rule files: read and checked, never executed."""
