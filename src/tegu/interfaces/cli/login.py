"""`tegu login`, `tegu logout`, `tegu whoami`: which service commands ask, and with which key."""

import sys
from ipaddress import ip_address
from urllib.parse import urlsplit

import click

from tegu.client.service import Service, TeguClient
from tegu.domain.errors import UsageError
from tegu.domain.identity import Identity
from tegu.interfaces.cli.failure import write_notice
from tegu.interfaces.cli.place import (
    KEY_VARIABLE,
    Logins,
    checked_url,
    place_of_command,
    read_logins,
    write_logins,
)
from tegu.interfaces.cli.printable import printable
from tegu.interfaces.cli.screen import json_option, write_json
from tegu.interfaces.cli.session import run_async, with_service
from tegu.settings import Settings

_KEY_LENGTH_MAX = 500


@click.command()
@click.argument("url")
def login(*, url: str) -> None:
    """Sign in at the service at URL: commands are for it from then on.

    Asks for an API key, or reads it from stdin where that is no terminal; `TEGU_API_KEY` goes before it. The key is kept under
    TEGU_HOME, readable by you alone.
    """
    address = checked_url(url)
    if _is_open_to_others(address):
        write_notice(f"note: {address} is not encrypted: whoever is on the way can read the key.")
    key = _asked_key(address)

    async def work() -> Identity:
        async with TeguClient(address, key) as client:
            return await client.me.get()

    who = run_async(work())
    home = Settings.from_environment().home
    write_logins(home, Logins(address, {**read_logins(home).keys, address: key}))
    click.echo(
        printable(f"Signed in at {address} as {who.label}: {who.role.value} of {who.organization_name}.")
    )
    write_notice("Commands are for it from now on; `tegu logout` brings them back to this machine.")


@click.command()
def logout() -> None:
    """Forget the key: commands are for this machine again. The key itself stays valid until it is revoked."""
    home = Settings.from_environment().home
    logins = read_logins(home)
    if logins.url is None:
        raise UsageError("nobody is signed in", hint="`tegu login URL` signs in")
    kept = {url: key for url, key in logins.keys.items() if url != logins.url}
    write_logins(home, Logins(None, kept))
    click.echo(f"Signed out of {logins.url}.")


@click.command()
@json_option
def whoami(*, as_json: bool) -> None:
    """Say where commands go, and as whom."""

    async def work(service: Service) -> Identity:
        return await service.me.get()

    place = place_of_command()
    who = with_service(work)
    if as_json:
        write_json({"url": place.url if place else None, "identity": who})
        return
    where = place.url if place else "this machine's database"
    organization = who.organization_name or who.organization_id
    click.echo(printable(f"{where}: {who.label}, {who.role.value} of {organization}, as {who.kind.value}."))


def _asked_key(address: str) -> str:
    if sys.stdin.isatty():
        key = click.prompt(f"API key for {address}", hide_input=True, err=True)
    else:
        key = sys.stdin.readline(_KEY_LENGTH_MAX)
    key = str(key).strip()
    if not key or not key.isascii() or not key.isprintable():
        raise UsageError("that is no key", hint=f"as tegu_..., or set {KEY_VARIABLE}")
    return key


def _is_open_to_others(address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return False
    try:
        return not ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return True
