"""`tegu login`, `tegu logout`, `tegu whoami`: which service commands ask, and with which key."""

import platform
import sys
from ipaddress import ip_address
from urllib.parse import urlsplit

import click

from tegu.client.service import Service, TeguClient
from tegu.client.signing_in import key_by_code
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
@click.option("--email", metavar="ADDRESS", help="Have a code mailed there, and make a key by it.")
def login(*, url: str, email: str | None) -> None:
    """Sign in at the service at URL: commands are for it from then on.

    Asks for an API key, or with --email for the code that is mailed, which makes a key for those who may make keys; where stdin
    is no terminal either is read from it. The key is kept under TEGU_HOME, readable by you alone; TEGU_API_KEY goes before it.
    """
    address = checked_url(url)
    if _is_open_to_others(address):
        write_notice(f"note: {address} is not encrypted: whoever is on the way can read the key.")
    key = _key_by_mail(address, email) if email else _asked(f"API key for {address}", is_hidden=True)

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


def _key_by_mail(address: str, email: str) -> str:
    def ask_code() -> str:
        write_notice(f"If {email} is known there, a mail with a code is on its way.")
        return "".join(_asked("Code", is_hidden=False).split())  # mails write it in two halves

    return run_async(key_by_code(address, email, ask_code, f"tegu login on {platform.node()[:100]}"))


def _asked(what: str, *, is_hidden: bool) -> str:
    """A line that somebody types, or that stdin has."""
    if sys.stdin.isatty():
        given = click.prompt(what, hide_input=is_hidden, err=True)
    else:
        given = sys.stdin.readline(_KEY_LENGTH_MAX)
    text = str(given).strip()
    if not text or not text.isascii() or not text.isprintable():
        raise UsageError(f"nothing was given that could be it: {what}", hint=f"or set {KEY_VARIABLE}")
    return text


def _is_open_to_others(address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return False
    try:
        return not ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return True
