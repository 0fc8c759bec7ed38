"""`tegu sign-in`: a link for somebody, by whoever runs the machine. For when no mail arrives, and for the first time."""

import click

from tegu.app import Tegu
from tegu.interfaces.cli.session import with_tegu


@click.command("sign-in")
@click.argument("email", required=False)
def sign_in(*, email: str | None) -> None:
    """Print a link that signs EMAIL in to the service, once, within 15 minutes.

    Without EMAIL it is TEGU_OWNER, who becomes the owner of an organization that has no member yet. The link leads to
    TEGU_BASE_URL.
    """

    async def work(tegu: Tegu) -> None:
        from tegu.actions.first_run import first_link
        from tegu.actions.sign_in import make_link

        link = await first_link(await tegu.scope()) if email is None else None
        click.echo(link or await make_link(tegu.runtime, email or tegu.settings.sign_in.owner))

    with_tegu(work)
