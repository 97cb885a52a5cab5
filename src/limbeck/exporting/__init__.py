"""Model files that load elsewhere."""
