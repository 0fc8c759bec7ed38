"""A fresh database for a peer, by psycopg, which all their environments have."""

import psycopg

from benchmarks.peers.contract import dsn

STAGE_OUTPUTS = "create table stage_outputs (run text, stage int, output jsonb, primary key (run, stage))"
"""Where systems that keep no outputs of jobs store them."""


async def make(database: str, *statements: str) -> str:
    """Drop and create it, run the statements in it, and return its DSN."""
    async with await psycopg.AsyncConnection.connect(dsn("postgres"), autocommit=True) as connection:
        await connection.execute(f"drop database if exists {database} with (force)")
        await connection.execute(f"create database {database}")
    async with await psycopg.AsyncConnection.connect(dsn(database), autocommit=True) as connection:
        for statement in statements:
            await connection.execute(statement)
    return dsn(database)
