"""Sets of addresses, as an operator writes them down, to look up peers in."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

__all__ = ["NONE", "Networks"]

#: So many addresses are remembered with what was found.
_REMEMBERED = 4096


class Networks:
    """Some addresses and networks. C{host in networks} costs a dictionary look-up for a host that
    has been asked for lately."""

    def __init__(self, texts: Iterable[str]) -> None:
        """
        @param texts: such as C{192.0.2.1}, C{192.0.2.0/24} and C{2001:db8::/32}. A network may be
            named by any address in it.
        @raise ValueError: if one is neither.
        """
        self._networks = tuple(ip_network(text, strict=False) for text in texts)
        self._known: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, host: str) -> bool:
        """
        @param host: a numeric address, as a flow has it: with a zone if it is link-local. An IPv4
            address that is written as an IPv6 one is the same.
        """
        if not self._networks:
            return False
        known = self._known.get(host)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[host] = self._contains(host)
        return known

    def _contains(self, host: str) -> bool:
        # No network has a zone.
        address = ip_address(host.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)


NONE = Networks(())
"""No address is in it."""
