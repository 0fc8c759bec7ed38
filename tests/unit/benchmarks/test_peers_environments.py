import re
from pathlib import Path

from benchmarks.peers.__main__ import MEASURES, SYSTEMS
from benchmarks.peers.client import MEASURES as CLIENT_MEASURES
from benchmarks.peers.venvs import REQUIREMENTS

SYSTEM_MODULES = Path(REQUIREMENTS).parent / "systems"


def test_every_peer_has_a_module_and_pinned_hashed_requirements() -> None:
    for name in SYSTEMS:
        source = (SYSTEM_MODULES / f"{name}.py").read_text("utf-8")
        assert f'NAME = "{name}"' in source
        if name == "tegu":
            continue
        lines = (REQUIREMENTS / f"{name}.txt").read_text("utf-8").splitlines()
        pinned = [line for line in lines if line and not line.startswith((" ", "#"))]
        assert pinned
        assert all(re.match(r"[\w.\[\],-]+==\S+", line) for line in pinned), name
        assert sum("--hash=sha256:" in line for line in lines) >= len(pinned), name


def test_every_measure_is_one_that_the_client_takes() -> None:
    assert {measure.client for measure in MEASURES} <= CLIENT_MEASURES.keys()
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    assert all(measure.without <= set(SYSTEMS) for measure in MEASURES)
