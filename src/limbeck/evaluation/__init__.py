"""Scores, intervals, and the verdict drawn from them."""
