"""Size and speed, measured on this machine."""
