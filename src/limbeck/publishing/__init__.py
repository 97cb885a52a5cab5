"""A model's way to the Hub: its card, the snippets of the card, what is checked, and the upload."""
