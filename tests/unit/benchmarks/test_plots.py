import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

DOCS = Path(__file__).resolve().parents[3] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def plots() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tegu_docs_plots", DOCS / "plots.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_a_bar_is_as_long_as_its_value_and_what_has_none_says_so(plots: ModuleType) -> None:
    bars = plots.Bars("stages & more", {"tegu": 1000.0, "one": 10.0, "other": "not measured"}, "tegu")
    root = ET.fromstring(bars.svg())
    widths = [float(r.attrib["width"]) for r in root.iter(f"{SVG}rect") if r.attrib["width"] != "100%"]
    assert len(widths) == 2
    assert widths[0] > widths[1] > 0
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"stages & more", "1,000", "10", "not measured"} <= set(texts)


def test_lines_stay_within_their_axes(plots: ModuleType) -> None:
    lines = plots.Lines("cost", "runs", "ms", {"a": [(1, 0.2), (1000, 0.1)], "b": [(1, 0.05), (1000, 0.3)]})
    root = ET.fromstring(lines.svg())
    height, width = float(root.attrib["height"]), float(root.attrib["width"])
    points = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in root.iter(f"{SVG}circle")]
    assert len(points) == 4
    assert all(0 < x < width and 0 < y < height for x, y in points)


def test_the_same_figures_give_the_same_file(plots: ModuleType) -> None:
    bars = plots.Bars("b", {"tegu": 3.5, "one": 0.25}, "tegu")
    assert bars.svg() == bars.svg()
