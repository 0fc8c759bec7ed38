"""The only room that speaks SQL: tables, migrations, the engine's named statements, and reads for people and programs.

Two ways in, never mixed: `engine` statements on asyncpg under the role tegu_engine, and composed reads and writes on
SQLAlchemy under tegu_app, which sees one organization.
"""
