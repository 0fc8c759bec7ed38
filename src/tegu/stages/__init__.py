"""WHAT work is: one kind of stage = one file, registered by name; and the performer that runs them for the engine."""
