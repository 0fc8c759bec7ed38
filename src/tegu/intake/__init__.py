"""Bytes in, text and facts out: what a file is, what a mail says, which mails belong together.

Called by ingest and by the parse stage, through `sandbox` for all that parses: files are hostile until read. Invariant:
whatever the bytes, the outcome is a value or one IntakeError, and all text can be stored.
"""
