"""Reproducible measurements; each file says in its docstring how it is run."""
