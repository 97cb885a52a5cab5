"""Texts cut into token sequences that fit a model, alike for training, evaluation and answering."""
