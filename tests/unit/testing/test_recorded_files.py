"""Files that are no recordings, or hostile ones: each is a report, none is a crash."""

from pathlib import Path

import pytest

from tegu.domain.errors import UsageError
from tegu.testing.recorded.replay import Replayer, recordings_in


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"interactions: [", "is no YAML"),
        (b"\xff\xfe\x00", "is no UTF-8 text"),
        (b"stages: {a: {uses: extract}}", "no list `interactions`"),
        (b"- a\n- b\n", "is no recording"),
        (b"interactions: [7]", "has no `request`"),
        (b"interactions: [{request: {uri: 'https://x/y'}, response: {status: {code: 99}}}]", "the status 99"),
        (b"interactions: !!python/object/apply:os.system ['touch gone']", "is not allowed"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\ninteractions: [&c [*c]]", "stands for itself"),
        (b"interactions: " + b"[" * 200 + b"]" * 200, "levels deep"),
        (b"interactions: []\n---\ninteractions: []\n", "more than one document"),
        (b"\x1f\x8b\x08 no gzip", "gzip"),
    ],
)
async def test_a_file_that_cannot_be_read_is_a_report_and_no_crash(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    async with Replayer() as replayer:
        report = await replayer.replay(path)
    assert report.last.error is not None
    assert (report.last.error.code, report.is_readable, report.calls) == ("unreadable_recording", False, ())
    assert said in report.last.error.message


async def test_an_alias_bomb_is_not_built(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    path = tmp_path / "a.yaml"
    path.write_text("\n".join([*levels, "interactions: []"]))
    async with Replayer() as replayer:
        report = await replayer.replay(path)
    assert report.last.error is not None
    assert "holds more than 500000 values" in report.last.error.message


def test_folders_are_searched_in_order_and_by_name(tmp_path: Path) -> None:
    for name in ("b/two.yml", "a/deep/one.yaml", "c.json", "d.yaml.gz", "notes.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in recordings_in(tmp_path)]
    assert found == ["a/deep/one.yaml", "b/two.yml", "c.json", "d.yaml.gz"]
    assert [path.name for path in recordings_in(tmp_path, "*.json")] == ["c.json"]


def test_no_pattern_leads_out_of_the_folder_or_is_a_crash(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    for path in (tmp_path / "outside.yaml", inside / "a.yaml"):
        path.touch()
    for pattern in ("../*", "/*", f"{tmp_path}/*", "[", "**/nothing"):
        assert recordings_in(inside, pattern) == []
    assert [path.name for path in recordings_in(inside, "***")] == ["a.yaml"]
    for pattern in ("", ".", "/", ".."):
        with pytest.raises(UsageError, match="matches no file"):
            recordings_in(inside, pattern)
