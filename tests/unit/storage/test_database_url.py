"""A malformed DATABASE_URL is refused without a word of it: it holds a password."""

from pathlib import Path

import pytest

from tegu.domain.errors import ConfigurationError
from tegu.storage.database import resolve


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2#x@h/db",
        "postgresql://u:hunter2@[::1/db",
        "postgresql://u:hunter2/x@127.0.0.1:5432/db",
        "postgresql://u:p@h:hunter2/db",
        "mysql://u:hunter2@h/db",
        "host=localhost password=hunter2",
    ],
)
async def test_a_url_that_is_none_is_refused_and_not_quoted(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL is no PostgreSQL URL") as caught:
        await resolve(database_url=url, home=tmp_path)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p%23@h:5432/db",
        "postgres://h1:1,[::1]:2/db?target_session_attrs=any",
        "postgresql+asyncpg://h/db",
        "postgresql://u:@/db?host=/run/postgresql",
        "postgresql:///db",
    ],
)
async def test_a_good_url_is_taken_as_it_is(url: str, tmp_path: Path) -> None:
    assert (await resolve(database_url=url, home=tmp_path)).owner.startswith("postgres")
