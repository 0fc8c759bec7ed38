"""Workers say whether they drive everybody's runs or only those that their own process started.

A worker of the second sort is no answer to "who has refund@1?". Workers that run while this is applied do not know the
column and count as the first sort.
"""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column, and let the app's role see it as it sees `functions`."""
    op.execute("alter table tegu.workers add column drives_all boolean not null default true")
    op.execute("grant select (drives_all) on tegu.workers to tegu_app")
