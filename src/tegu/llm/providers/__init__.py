"""One provider = one file. `registry.py` finds them by name and imports them only when asked for."""
