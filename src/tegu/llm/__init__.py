"""Calling models: one small provider protocol, structured output with bounded re-asks, the journal's port, prices."""
