"""How the HTTP doors are opened: validated before anything is bound."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from ipaddress import ip_address

from memory_core.addresses import expanded
from memory_core.errors import InvalidInput, shown

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8377
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_ANY = ("0.0.0.0", "::")  # noqa: S104  # compared with, not bound to


@dataclass(frozen=True, slots=True)
class DoorOptions:
    """The options of `lessonbank serve --transport http | sse`.

    Args:
        host: Address to bind.
        port: 0 takes a free one.
        allowed_hosts: Names beside loopback's that the Host header may have, without ports.
        allowed_origins: Origins (scheme and host) of browser pages that may call.
        auth: Whether a token is required; without only on loopback.
        stateless: Streamable HTTP keeps no sessions: any replica may answer.
        tls_cert: PEM file of the certificate chain, "" for plain HTTP.
        tls_key: PEM file of its key, "" if the certificate's file holds it.
        rate: Requests per minute and token.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    auth: bool = True
    stateless: bool = False
    tls_cert: str = ""
    tls_key: str = ""
    rate: int = 12_000

    def checked(self) -> DoorOptions:
        """Give the same options once they make sense together.

        Raises:
            InvalidInput: One does not; nothing was bound.
        """
        if not self.auth and not self.loopback:
            raise InvalidInput(
                "no_auth",
                f"with host {shown(self.host)} would open the memory to the network",
                "Leave it out and create tokens (`lessonbank token create`), or bind 127.0.0.1.",
            )
        if self.rate < 1:
            raise InvalidInput("rate", f"= {self.rate} lets nobody in", "Use 1 or more.")
        if self.tls_key and not self.tls_cert:
            raise InvalidInput("tls_key", "needs --tls-cert", "Pass the certificate too.")
        for name in self.allowed_hosts:
            if not name.strip() or "/" in name or "*" in name:
                raise InvalidInput(
                    "allowed_host",
                    f"= {shown(name)} is no host",
                    "Pass a plain name, such as memory.example.org.",
                )
        for origin in self.allowed_origins:
            if not origin.startswith(("http://", "https://")) or origin.count("/") != 2:
                raise InvalidInput(
                    "allowed_origin",
                    f"= {shown(origin)} is no origin",
                    "Pass scheme and host, such as https://app.example.org.",
                )
        self.tls()
        return self

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        host = self.host.strip().lower().strip("[]")
        if host == "localhost":
            return True
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return False

    @property
    def address(self) -> str:
        """What to bind: the host, a name as it is."""
        host = self.host.strip().lower().strip("[]")
        return "127.0.0.1" if host == "localhost" else host

    @property
    def scheme(self) -> str:
        """Either http or https."""
        return "https" if self.tls_cert else "http"

    def hosts(self) -> list[str]:
        """What the Host header may say, in the patterns of the SDK's check."""
        own = [] if self.address in _ANY else [_bracketed(self.address)]
        names = dict.fromkeys([*_LOOPBACK, *own, *(n.lower() for n in self.allowed_hosts)])
        bare = [name for name in names if name not in _LOOPBACK or self.tls_cert]
        return [*(f"{name}:*" for name in names), *bare]

    def origins(self) -> list[str]:
        """What the Origin header may say, where there is one."""
        own = [f"{self.scheme}://{name}:*" for name in _LOOPBACK]
        return [*own, *(origin.lower() for origin in self.allowed_origins)]

    def tls(self) -> ssl.SSLContext | None:
        """Give the TLS context, None for plain HTTP.

        Raises:
            InvalidInput: The files cannot be read or do not fit together.
        """
        if not self.tls_cert:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        certificate = expanded("tls_cert", self.tls_cert)
        key = expanded("tls_key", self.tls_key) if self.tls_key else certificate
        try:
            context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            raise InvalidInput(
                "tls_cert",
                f"= {shown(self.tls_cert)} and its key cannot be used ({error})",
                "Pass a PEM certificate chain and its unencrypted key.",
            ) from None
        return context


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
