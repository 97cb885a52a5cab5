"""How well a model fills masks in text that it never saw."""
