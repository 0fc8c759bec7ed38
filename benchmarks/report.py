"""What a benchmark says at its end: a line for each figure, the machine, and the file that the pages are made from."""

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def report(figures: Mapping[str, Mapping[str, Any]], path: Path, *, quick: bool) -> None:
    """Print them; a quick run writes nothing."""
    for name, row in figures.items():
        ratio = f"  ratio {row['ratio_to_raw']}" if "ratio_to_raw" in row else ""
        said = row.get("about") or row.get("notes") or ""
        print(f"{name:34} {row['value']:>10} {row['unit']:4} n={row['n']}{ratio}  {said}")
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    if not quick:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
        print(f"written to {path.relative_to(path.parents[2])}")
