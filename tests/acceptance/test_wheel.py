"""The wheel, as it is built, is enough: the pages, the elements for host applications and the samples are in it, and it serves them."""

import asyncio
import re
import subprocess
import sys
import zipfile
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import httpx
import pytest

from tegu.interfaces.web.pages import ELEMENTS, is_built

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with what the wheel has, and nothing else of ours."""
    if not is_built():
        pytest.skip("the web application is not built: `make ui`")
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    built = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert built.returncode == 0, built.stderr.decode()
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    return tmp_path / "site"


async def test_the_service_from_the_wheel_alone_has_its_pages(
    installed: Path, process_environment: dict[str, str]
) -> None:
    environment = process_environment | {"PYTHONPATH": str(installed)}
    command = (sys.executable, "-m", "tegu", "serve", "--port", "0", "--no-worker")
    process = await asyncio.create_subprocess_exec(
        *command, cwd=installed.parent, env=environment, stdout=PIPE, stderr=STDOUT
    )
    try:
        assert process.stdout is not None
        said = ""
        async with asyncio.timeout(60):
            while (found := re.search(r"Tegu at (http://127\.0\.0\.1:\d+)", said)) is None:
                line = await process.stdout.readline()
                assert line, said
                said += line.decode()
        async with httpx.AsyncClient(base_url=found[1], timeout=30) as http:
            page = await http.get("/inbox")
            assert '<div id="root">' in page.text
            for address in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
                assert (await http.get(address)).status_code == 200, address
            elements = await http.get(f"/{ELEMENTS}")
            assert "tegu-run" in elements.text
            assert elements.headers["access-control-allow-origin"] == "*"
            framed = await http.get("/embed/runs/any")
            assert "frame-ancestors 'none'" in framed.headers["content-security-policy"]
    finally:
        process.kill()
        await process.wait()


def test_what_the_demo_reads_is_in_the_wheel_too(installed: Path) -> None:
    samples = {path.name for path in (installed / "tegu" / "samples").iterdir()}
    assert {"demo_answers.json", "refund_request.yaml", "support-thread.mbox", "invoice.pdf"} <= samples
