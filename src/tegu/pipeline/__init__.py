"""The DAG as pure data: definition, document, check, builder, and the plan that says what a run does next.

Used by storage (definitions), stages (catalog, functions), the engine (plan), actions and users (builder, check).
Invariant: no I/O but reading the files it is given, and no stage kind is known here by name but `python`.
"""
