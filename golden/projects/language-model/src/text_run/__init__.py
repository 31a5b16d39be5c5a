"""Language-model of pydoc."""
