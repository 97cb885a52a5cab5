"""Extractive question answering: the answer to a question is a stretch of its context."""
