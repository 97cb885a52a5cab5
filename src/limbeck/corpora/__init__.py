"""Text: where it comes from, how it is stored, and how it becomes token sequences."""
