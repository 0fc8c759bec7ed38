"""An organization may choose its own model: `tegu_app` may change that one column of its own row, and nothing else there.

Row security, which the first migration forces on the table, lets it see only its own row. Safe while workers run.
"""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Grant the column."""
    op.execute("grant update (model) on tegu.organizations to tegu_app")
