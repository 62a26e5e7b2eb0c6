"""The names that the service answers to.

A page from elsewhere may have its own name point at this machine (DNS rebinding), and so read what the
service answers. The browser still names that other host in the field `Host`, by which it is refused. No page
can come from an address that it does not have, so address literals need no such care.
"""

import ipaddress
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from servier.errors import ServierError

ANY = "*"
LOCALHOST = "localhost"
NO_HOST = "this is neither a name nor an address"

_AUTHORITY = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{0,5})?", re.ASCII)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Hosts:
    """The hosts that requests may name.

    Parameters
    ----------
    names
        Names in lower case, and addresses as `ipaddress` writes them.
    has_any_address
        Whether any address literal will do.
    has_any
        Whether anything will do that can be a host.
    """

    names: frozenset[str]
    has_any_address: bool = False
    has_any: bool = False

    def allow(self, authority: str) -> bool:
        """Say whether requests may name a host.

        Parameters
        ----------
        authority
            A name or an address, perhaps with a port, as it stands in a request.

        Raises
        ------
        ValueError
            That is no host.
        """
        name = read_host(authority)
        return self.has_any or name in self.names or (self.has_any_address and _is_address(name))


def allow_hosts(host: str, bound: str, more: Iterable[str]) -> Hosts:
    """Return the hosts that a service answers to.

    Parameters
    ----------
    host, bound
        What it was told to listen on, and the address that came of it: if that means all addresses of the
        machine, any address literal will do.
    more
        Other names and addresses; `*` for any.

    Raises
    ------
    ServierError
        One of the others cannot be a host.
    """
    more = list(more)
    names = {LOCALHOST, *(read_name(name) for name in more if name != ANY)}
    for known in (host, bound):
        with suppress(ServierError):
            names.add(read_name(_without_interface(known)))
    is_everywhere = _parse_address(_without_interface(bound)).is_unspecified
    return Hosts(frozenset(names), is_everywhere, ANY in more)


def read_host(authority: str) -> str:
    """Return the host of a request, as `Hosts` writes it: without the port, a final dot and upper case.

    Raises
    ------
    ValueError
        It is no host: there may be no user, no second host and nothing outside ASCII.
    """
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise ValueError(NO_HOST)
    name = found["name"].lower()
    if name.startswith("["):
        if not _is_address(name[1:-1]) or ":" not in name:
            raise ValueError(NO_HOST)
        return _write(_parse_address(name[1:-1]))
    name = name.removesuffix(".")
    if not all(name.split(".")):
        raise ValueError(NO_HOST)
    return _write(_parse_address(name)) if _is_address(name) else name


def read_name(text: str) -> str:
    """Return a name or an address that a person has given, as `Hosts` writes it.

    Parameters
    ----------
    text
        It may have a port, letters of any script (IDNA), and an IPv6 address without brackets.

    Raises
    ------
    ServierError
        It cannot be a host.
    """
    try:
        if _is_address(text):
            return _write(_parse_address(text))
        if not text.isascii():
            text = _encode(text)
        return read_host(text)
    except ValueError:
        hint = "give names and addresses such as scores.example.org, or * for any"
        raise ServierError(f"{text!r} cannot be the name of a host", hint=hint) from None


def _without_interface(address: str) -> str:
    """Return `fe80::1` of `fe80::1%eth0`, as which clients name it."""
    return address.partition("%")[0]


def _encode(text: str) -> str:
    """Return a name in its ASCII form, if older and newer rules (IDNA 2003, 2008) agree on it."""
    encoded = text.encode("idna").decode("ascii")
    if encoded.encode("ascii").decode("idna") != text.lower():
        raise ValueError(NO_HOST)
    return encoded


def _is_address(text: str) -> bool:
    try:
        _parse_address(text)
    except ValueError:
        return False
    return True


def _parse_address(text: str) -> Address:
    return ipaddress.ip_address(text)


def _write(address: Address) -> str:
    """Return an address in the one way in which it is compared; an IPv4 address within IPv6 is itself."""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
