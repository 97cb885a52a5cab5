"""Models behind HTTP: one process, one queue for each model, answers computed together."""
