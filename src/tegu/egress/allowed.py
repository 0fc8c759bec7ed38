"""What an operator allows beside public addresses: TEGU_EGRESS_ALLOW.

    TEGU_EGRESS_ALLOW="hooks.internal, *.svc.cluster.local, 10.1.0.0/16, localhost"

Called by `guard`. Invariant: it allows what it names, for every organization; without it only public addresses are asked.
"""

import re
from dataclasses import dataclass
from typing import Self

from tegu.domain.errors import ConfigurationError
from tegu.egress.addresses import Address, Network, parsed_network, unwrapped

_NAME = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")


@dataclass(frozen=True, slots=True)
class AllowList:
    """Names (`*.` before it: all below it), and networks."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, written: str | None) -> Self:
        """Entries with commas or spaces between them. Raises ConfigurationError."""
        hosts, networks = set[str](), list[Network]()
        for entry in re.split(r"[\s,;]+", (written or "").strip().lower()):
            network = parsed_network(entry)
            if network is not None:
                networks.append(network)
            elif _NAME.fullmatch(entry):
                hosts.add(entry)
            elif entry:
                raise ConfigurationError(
                    f"TEGU_EGRESS_ALLOW has {entry[:100]!r}, which is no host and no network",
                    hint="write `hooks.internal, *.svc.cluster.local, 10.1.0.0/16`, without ports",
                )
        return cls(frozenset(hosts), tuple(networks))

    def names(self, host: str) -> bool:
        """Whether the host is allowed by its name, wherever it leads."""
        host = host.lower().rstrip(".")
        above = [f"*.{host[i + 1 :]}" for i, letter in enumerate(host) if letter == "."]
        return host in self.hosts or any(each in self.hosts for each in above)

    def holds(self, address: Address) -> bool:
        """Whether the address is in an allowed network."""
        found = {address, unwrapped(address)}
        return any(each in network for network in self.networks for each in found)
