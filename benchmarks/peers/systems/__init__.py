"""One module for each system that is measured; each runs in a virtual environment of its own."""
