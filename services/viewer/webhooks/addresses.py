"""Which addresses a webhook may reach: public ones alone, unless its owner allowed others.

Without this, whoever may add a webhook reads what only this machine can reach: services on loopback, in its
network, or the metadata of a cloud (server-side request forgery).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[Address]]]

NAT64 = IPv6Network("64:ff9b::/96")


class NotPublic(Exception):
    """A name leads to an address that is not public."""


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host, as this machine resolves it. Error: OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


async def public_addresses(host: str, port: int, find: Resolve) -> list[Address]:
    """The addresses of a host, all of them public. Errors: OSError, NotPublic if one of them is not."""
    found = await find(host, port)
    for address in found:
        if not is_public(address):
            raise NotPublic(f"{host} leads to {address}, which is not a public address")
    return found


def is_public(address: Address) -> bool:
    """Whether the address belongs to the internet. Of an IPv6 address that leads to an IPv4 one, that one
    counts.
    """
    address = _inner(address) or address
    if isinstance(address, IPv6Address) and (address.is_site_local or address.teredo):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _inner(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to: mapped, 6to4, or through NAT64."""
    if isinstance(address, IPv4Address):
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
