"""A class or a number for a whole text, or for a pair of texts."""
