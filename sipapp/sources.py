"""What counts as one source of messages: an IPv4 address, or the /64 of an IPv6 address, which is
what one customer has, and can fill with as many addresses as there is time for.

Sources are networks, so that an operator can ban larger ones in the same list.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Generic, TypeVar

__all__ = ["Network", "SourceTable", "parseNetwork", "sourceOf"]

Network = IPv4Network | IPv6Network

T = TypeVar("T")

_SMALLEST = 64
"""The longest prefix of IPv6 that stands for itself."""


def parseNetwork(text: str) -> Network:
    """
    @param text: an address or a network; one may be named by any address in it. An IPv6 network
        smaller than a /64 stands for that, and an IPv4 address in an IPv6 one for itself.
    @raise ValueError: if it is neither.
    """
    network = ip_network(text.partition("%")[0], strict=False)
    if isinstance(network, IPv6Network):
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= 96:
            return IPv4Network((mapped, network.prefixlen - 96))
        if network.prefixlen > _SMALLEST:
            return network.supernet(new_prefix=_SMALLEST)
    return network


def sourceOf(address: str) -> Network:
    """
    @param address: numeric, as a flow has it: with a zone if it is link-local.
    """
    return parseNetwork(address)


def _placeOf(network: Network) -> tuple[tuple[int, int], int]:
    """
    @return: the version of IP and the bits that do not count, and the number that the others are.
    """
    shift = network.max_prefixlen - network.prefixlen
    return (network.version, shift), int(network.network_address) >> shift


class SourceTable(Generic[T]):
    """Finds the network that an address is in, in as many dictionary look-ups as there are
    lengths of prefixes, however many networks there are."""

    def __init__(self, entries: Iterable[tuple[Network, T]] = ()) -> None:
        self._tables: dict[tuple[int, int], dict[int, T]] = {}
        for network, value in entries:
            self.add(network, value)

    def add(self, network: Network, value: T) -> None:
        """Have a network lead to a value, whatever it has led to before."""
        length, number = _placeOf(network)
        self._tables.setdefault(length, {})[number] = value

    def discard(self, network: Network) -> None:
        """Have a network lead to nothing."""
        length, number = _placeOf(network)
        table = self._tables.get(length, {})
        table.pop(number, None)
        if not table:
            self._tables.pop(length, None)

    def find(self, address: str) -> list[T]:
        """
        @return: what belongs to each network that the address is in.
        """
        if not self._tables:
            return []
        parsed = ip_address(address.partition("%")[0])
        mapped = getattr(parsed, "ipv4_mapped", None)
        version, number = (4, int(mapped)) if mapped else (parsed.version, int(parsed))
        return [
            table[number >> shift]
            for (its, shift), table in self._tables.items()
            if its == version and number >> shift in table
        ]
