"""What a process says of itself while it works: figures (`measured`), log lines (`logs`), spans (`spans`).

Used by every room above. Invariants: telling costs no I/O in the event loop and fails nobody's work; no label or
attribute holds content, a secret, or (in figures) an organization.
"""
