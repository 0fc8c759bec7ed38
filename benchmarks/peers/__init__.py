"""Tegu beside its peers, on one machine and one PostgreSQL, in one run: `make bench-peers`."""
