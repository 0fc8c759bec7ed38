"""A session may look through the eyes of somebody who may less: what these are, of `actions.views`; null: its own.

`tegu_app` reads and changes that column of its own organization's sessions. A column without a default is added at once, and
workers do not read it.
"""

from alembic import op

revision = "0037"
down_revision = "0030"


def upgrade() -> None:
    """Add the column, and grant it."""
    op.execute("set local lock_timeout = '5s'")
    op.execute("alter table tegu.sessions add column seen_as jsonb")
    op.execute("grant select (seen_as), update (seen_as) on tegu.sessions to tegu_app")
