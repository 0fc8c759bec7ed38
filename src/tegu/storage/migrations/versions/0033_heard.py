"""How many signals a run had heard at its last checkpoint, and acted upon: whoever takes it over later looks at all that waits where
there were more since.

A column with a constant default is added at once. Workers of an older release leave it as it is; then stages are looked at once more
than need be.
"""

from alembic import op

revision = "0033"
down_revision = "0039"


def upgrade() -> None:
    """Add the column."""
    op.execute("set local lock_timeout = '5s'")
    op.execute("alter table tegu.runs add column heard int not null default 0")
