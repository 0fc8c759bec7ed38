"""What users of Tegu, and Tegu's own tests, test with.

Called by tests, demos and benchmarks; never by the service. Its one invariant: nothing here stands in for our own
code; only what is outside the process (the model provider) is replaced, and it is replaced over real HTTP.
"""

from tegu.testing.scripted import ScriptedProvider

__all__ = ["ScriptedProvider"]
