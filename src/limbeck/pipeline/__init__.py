"""The recipe, the order of its steps, run, skip, resume."""
