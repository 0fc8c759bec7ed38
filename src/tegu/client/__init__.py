"""A Tegu that runs elsewhere, from a program: `TeguClient`, and `SyncTeguClient` in `blocking`."""
