"""One organization per row, SQL in one room, and every statement says what it is for."""

import re

from house import SOURCE, listed, modules

# A worker is a process of the operator and serves every organization, and so does a hook: records 0013 and 0024.
WITHOUT_ORGANIZATION = {"workers", "hooks"}

_SQL = re.compile(
    r"^\s*(?:select\b.*\bfrom\b|select\s+pg_|insert\s+into\b|update\s+\S+\s+set\b|delete\s+from\b|with\b.*\bas\s*\(|"
    r"(?:create|alter|drop)\s+(?:table|index|schema|role|policy)\b|truncate\b|(?:un)?listen\s|notify\s|set\s+role\b)",
    re.IGNORECASE | re.DOTALL,
)
ALLOWED_SQL = {
    # A hint to sleepers that touches no table; whoever loses it polls.
    ("tegu.engine.wake", "select pg_notify($1, '')"),
}


def test_every_table_starts_its_key_with_the_organization() -> None:
    from tegu.storage.tables import metadata

    assert metadata.tables
    keys = {table.name: [column.name for column in table.primary_key] for table in metadata.tables.values()}
    assert keys.pop("organizations") == ["id"]
    offenders = [f"{table}: {key}" for table, key in keys.items() if key[:1] != ["organization_id"]]
    assert not offenders, listed(offenders)
    assert not WITHOUT_ORGANIZATION & keys.keys(), "workers are the engine's: composed reads never see them"


def test_every_table_that_a_migration_makes_is_bound_to_an_organization() -> None:
    made = _created_tables()
    assert "runs" in made
    offenders = [
        name
        for name, body in made.items()
        if "organization_id uuid not null" not in body
        and name not in WITHOUT_ORGANIZATION | {"organizations"}
    ]
    assert not offenders, listed(offenders)


def test_every_table_that_a_migration_makes_has_row_security() -> None:
    offenders = [
        name
        for name in _created_tables()
        if f"'{name}'" not in _migrations() and f"tegu.{name} force row level security" not in _migrations()
    ]
    assert not offenders, listed(offenders)


def test_migrations_stand_in_one_line() -> None:
    versions = (SOURCE / "storage" / "migrations" / "versions").glob("0*.py")
    pairs = [
        re.findall(r'^(?:down_)?revision = (?:"(\d{4})"|None)', path.read_text("utf-8"), re.MULTILINE)
        for path in sorted(versions)
    ]
    before = [down for _, down in pairs]
    doubled = sorted({each for each in before if before.count(each) > 1})
    assert not doubled, f"several come after {doubled}: let one of them come after the other"


def test_policies_ask_one_function_for_the_organization() -> None:
    # `using (organization_id = (select tegu.current_organization()))`: it refuses a transaction that is bound to none.
    older = {"0001", "0002", "0003", "0011", "0012", "0013", "0015", "0017", "0023"}
    versions = (SOURCE / "storage" / "migrations" / "versions").glob("*.sql")
    offenders = [
        path.name
        for path in versions
        if path.name[:4] not in older and "current_setting" in path.read_text("utf-8")
    ]
    assert not offenders, listed(offenders)


def test_the_tables_that_sqlalchemy_knows_are_those_that_the_migrations_make() -> None:
    from tegu.storage.tables import metadata

    known = {table.name for table in metadata.tables.values()}
    assert known == _created_tables().keys() - WITHOUT_ORGANIZATION


def test_every_statement_says_in_its_first_line_what_it_does() -> None:
    statements = sorted((SOURCE / "storage" / "sql").glob("*.sql"))
    assert statements
    offenders = [
        f"{path.name}: {first}"
        for path in statements
        if not re.fullmatch(r"-- [A-Z].{15,}", first := path.read_text("utf-8").split("\n", 1)[0])
    ]
    assert not offenders, listed(offenders)


def test_every_statement_is_used_by_its_name() -> None:
    storage = "\n".join(module.text for module in modules() if module.room == "storage")
    names = sorted(path.stem for path in (SOURCE / "storage" / "sql").glob("*.sql"))
    unused = [name for name in names if f'"{name}"' not in storage]
    assert not unused, listed(unused)


def test_only_storage_holds_sql() -> None:
    offenders = [
        f"{module.place(node)} {node.value!r:.80}"
        for module in modules()
        if module.room != "storage"
        for node in module.strings()
        if isinstance(node.value, str)
        and _SQL.match(node.value)
        and (module.name, node.value) not in ALLOWED_SQL
    ]
    assert not offenders, listed(offenders)


def _migrations() -> str:
    versions = SOURCE / "storage" / "migrations" / "versions"
    return "\n".join(path.read_text("utf-8") for path in sorted(versions.glob("*.sql")))


def _created_tables() -> dict[str, str]:
    """Name to body of every table that is made."""
    return dict(
        re.findall(
            r"^create (?:unlogged )?table tegu\.(\w+) \((.*?)^\)", _migrations(), re.MULTILINE | re.DOTALL
        )
    )
