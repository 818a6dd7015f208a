"""What several checks stand on: the configuration, what endpoints say of themselves, and the chain behind them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from node.errors import KeyFileError
from node.preflight.finding import UnknownError
from node.preflight.lenient import Sound, read_sound
from node.preflight.once import Once

if TYPE_CHECKING:
    from node.config import Config
    from node.keys.secrets import Secret
    from node.preflight.network import Network
    from node.preflight.survey import Survey


Kind = Literal["signing", "transport"]
KINDS: Final[tuple[Kind, ...]] = ("signing", "transport")


class Facts:
    """Made once for a whole check. Nothing is read before it is asked for, and nothing that fails ends the others."""

    def __init__(
        self,
        path: Path,
        *,
        ask: Callable[[str], str] | None = None,
        environ: Mapping[str, str] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`ask` asks the person at the terminal for a password; `now` is this machine's clock (Unix seconds)."""
        self.path = path.absolute()
        self.now = now
        self.environ = os.environ if environ is None else environ
        self.sound: Sound = read_sound(self.path, self.environ)
        self._ask = ask
        self._passwords: dict[Kind, Secret] = {}
        self.survey: Once[Survey] = Once(self._survey)
        self.network: Once[Network] = Once(self._network)

    @property
    def config(self) -> Config:
        """The configuration without its faults; UnknownError where nothing of it can be used."""
        if self.sound.config is None:
            raise UnknownError("the configuration cannot be used; see configuration.settings")
        return self.sound.config

    @property
    def address(self) -> str:
        """The signing address that the keystore states; UnknownError."""
        from node.keys.signing import EthKeystore

        try:
            return EthKeystore(self.config.keys.signing_keystore).public_address
        except KeyFileError:
            raise UnknownError("the signing address is not known; see keys.signing") from None

    @property
    def transport_key(self) -> bytes:
        """The public transport key, 32 bytes, from the file beside the key; UnknownError."""
        from node.keys.transport import TransportKeyFile

        try:
            return TransportKeyFile(self.config.keys.transport_key).public_key
        except KeyFileError:
            raise UnknownError("the transport key is not known; see keys.transport") from None

    def ask_passwords(self) -> None:
        """Ask for those passwords that nothing else gives, before anything runs; nothing where nobody is there."""
        if self._ask is None or self.sound.config is None:
            return
        from node.keys.secrets import Secret

        for kind in KINDS:
            with suppress(KeyFileError):
                if self.password(kind) is None and (answer := self._ask(f"password of the {kind} key (Enter: skip)")):
                    self._passwords[kind] = Secret(answer)

    def password(self, kind: Kind) -> Secret | None:
        """The password of a key where the node would find it, or what was answered; None for nothing. KeyFileError."""
        from node.config.credentials import password_source

        return password_source(self.config, kind, environ=self.environ).read_optional() or self._passwords.get(kind)

    @cached_property
    def running(self) -> str:
        """Which process holds the state folder, as it calls itself; "" while none does."""
        from node.journal.safety.lock import FILE_NAME
        from node.preflight.locks import holder_of

        return holder_of(self.config.node.directory / FILE_NAME)

    def need_chain(self) -> None:
        """Raise UnknownError where the configuration names no chain that could be asked."""
        self.config  # noqa: B018 - raises by itself
        if "chain" in self.sound.lacking:
            raise UnknownError("the configuration names no chain that could be asked; see configuration.settings")

    async def _survey(self) -> Survey:
        from node.preflight.survey import survey

        self.need_chain()
        return await survey(self.config, self.now)

    async def _network(self) -> Network:
        from node.preflight.network import Network

        found = await self.survey.get()
        good = found.sound(self.config.chain.id)
        if not good:
            raise UnknownError("no endpoint answers for the configured chain; see endpoints")
        network = Network(self.config, [one.url for one in good])
        with suppress(UnknownError):
            network.address = self.address
        return network

    async def aclose(self) -> None:
        """End what is under way and close all connections."""
        for once in (self.network, self.survey):
            await once.aclose()
        if (made := self.network.made) is not None:
            await made.aclose()
