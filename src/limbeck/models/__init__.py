"""Pretrained encoders: loading, cutting, observing, counting."""
