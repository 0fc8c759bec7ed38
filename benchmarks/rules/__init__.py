"""What the embedded rules provider scores on public, labelled samples: `python -m benchmarks.rules`."""
