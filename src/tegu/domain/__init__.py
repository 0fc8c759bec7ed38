"""The nouns of Tegu, its errors and its status table. Every room may import this one; it imports none and does no I/O."""
