"""Answers from scores; NumPy only."""
