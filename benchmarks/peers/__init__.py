"""Tools that update a project from a template, for comparison; see ../README.md."""
