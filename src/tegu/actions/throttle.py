"""How often somebody may try to come in, or have mails sent: by their address on the network, and by the e-mail that they
name.

Called by signing in and by invitations, before anything is looked up, so that a refusal says nothing of what there is. Counted in the database,
for all processes. Invariant: there are `BUCKETS` rows at most, however many try; two that share one share its limit.
"""

from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv6Address, ip_address

from tegu.domain.errors import QuotaError
from tegu.storage.database import Database
from tegu.storage.sign_in import count_try

BUCKETS = 2**17


@dataclass(frozen=True, slots=True)
class Limit:
    """How many tries there may be in a window; `name` keeps apart what is limited by the same key."""

    name: str
    tries_max: int
    window_s: float


# Asking for links costs a mail to somebody; what is looked up by a token of 256 bits costs a statement.
LINKS_BY_NETWORK = Limit("requests for links from one network", 20, 900)
# Those for an address are counted by who asks too: nobody uses up from elsewhere what its owner may ask for at home.
LINKS_BY_EMAIL = Limit("requests for links for one address", 5, 900)
LINKS_BY_EMAIL_A_DAY = Limit("requests for links for one address a day", 20, 86_400)
LINKS_BY_SITE = Limit("requests for links from one site", 60, 900)
MAILS_BY_EMAIL_A_DAY = Limit("mails with links to one address a day", 100, 86_400)
# Whoever used those up from elsewhere has not locked the owner of the address out: a mail now and then goes on.
MAILS_BY_EMAIL_BEYOND = Limit("mails with links to one address", 1, 900)
INVITATIONS_A_DAY = Limit("invitations of an organization a day", 200, 86_400)
TOKENS_BY_NETWORK = Limit("tries to sign in from one network", 60, 900)


async def count_either(database: Database, first: Limit, beyond: Limit, key: str) -> None:
    """Count a try, by the second limit where the first is used up. Raises QuotaError when that is too."""
    try:
        await count(database, first, key)
    except QuotaError:
        await count(database, beyond, key)


async def count(database: Database, limit: Limit, key: str) -> None:
    """Count a try. Raises QuotaError when there were too many."""
    tries = await count_try(await database.engine(), bucket_of(limit, key), window_s=limit.window_s)
    if tries.count > limit.tries_max:
        raise QuotaError(
            f"too many {limit.name}",
            code="rate_limited",
            retry_after_s=tries.over_in_s,
            hint=f"there is room again in {round(tries.over_in_s / 60) or 1} min",
        )


def bucket_of(limit: Limit, key: str) -> int:
    """Where the tries of a key are counted."""
    digest = sha256(f"{limit.name}\n{key}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def site_of(host: str) -> str:
    """Who shares an address's tries where many networks are one customer's: with IPv6 the /48."""
    network = network_of(host)
    if not network.endswith("/64"):
        return network
    return f"{IPv6Address(int(IPv6Address(network.removesuffix('/64'))) >> 80 << 80)}/48"


def network_of(host: str) -> str:
    """Who shares an address's tries: itself, or with IPv6 the /64 that one customer has."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)
