"""What `tegu serve --demo` sets up: once, in an organization of its own, and nowhere else."""

from importlib.resources import files
from pathlib import Path

import pytest

from tegu.actions.registry import ACTIONS
from tegu.actions.samples import SAMPLES
from tegu.app import Tegu
from tegu.domain.errors import UsageError
from tegu.domain.evidence import EvidenceStatus
from tegu.domain.status import RunStatus
from tegu.interfaces.cli.serve_demo import DEMO_MODEL, demo_settings, prepare
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings, SignInSettings
from tegu.storage.database import DatabaseAddress


def opened(address: DatabaseAddress, home: Path) -> Tegu:
    settings = demo_settings(Settings(home=home, database_url=address.owner))
    return Tegu(settings=settings, credentials=EnvironmentCredentials({}))


async def counted(tegu: Tegu, name: str) -> int:
    return len((await ACTIONS[name](await tegu.scope(), ACTIONS[name].input())).items)


async def test_what_is_there_stays_as_it_is_when_the_demo_is_started_again(
    address: DatabaseAddress, tmp_path: Path
) -> None:
    async with opened(address, tmp_path) as tegu:
        first, _ = await prepare(tegu)
        contents = await counted(tegu, "contents.list")
        again, _ = await prepare(tegu)
        assert await counted(tegu, "contents.list") == contents
        assert await counted(tegu, "threads.list") == 1
        assert await counted(tegu, "members.list") == 1
        assert first.link != again.link
        found = await ACTIONS["settings.get"](await tegu.scope(), ACTIONS["settings.get"].input())
        assert found.model == DEMO_MODEL
        # Others in the same database are left alone.
        others = tegu.for_organization("acme")
        assert (
            await ACTIONS["settings.get"](await others.scope(), ACTIONS["settings.get"].input())
        ).model is None


async def test_its_model_answers_to_every_document_of_the_samples_with_quotes_that_are_there(
    address: DatabaseAddress, tmp_path: Path
) -> None:
    async with opened(address, tmp_path) as tegu:
        await prepare(tegu)
        for name in SAMPLES["document_extraction"]:
            run = await tegu.run("document_extraction", files("tegu").joinpath("samples", name).read_bytes())
            assert run.status is RunStatus.COMPLETED, (name, run.error)
            (result,) = (each for each in run.results if each.type == "extract")
            lost = [span.quote for span in result.evidence if span.status is not EvidenceStatus.VERIFIED]
            assert lost == [], name


async def test_an_organization_of_that_name_with_other_data_is_refused_and_stays_as_it_is(
    address: DatabaseAddress, tmp_path: Path
) -> None:
    async with opened(address, tmp_path) as tegu:
        await tegu.ingest("Something of a customer called demo.")
        with pytest.raises(UsageError, match="holds other data than the demo's"):
            await prepare(tegu)
        assert await counted(tegu, "contents.list") == 1
        assert await counted(tegu, "members.list") == 0


def test_the_demo_is_for_this_machine_alone(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, sign_in=SignInSettings(base_url="https://tegu.example.com"))
    with pytest.raises(UsageError, match="for this machine alone"):
        demo_settings(settings)
