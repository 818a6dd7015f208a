"""The operator account: a cold key of its own that owns the bond, found, made and unlocked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from node.errors import KeyFileError

if TYPE_CHECKING:
    from node.cli.stake.options import Choice
    from node.config import Config
    from node.keys.secrets import SecretSource
    from node.keys.signing import LocalSigner

DEFAULT = Path("keys") / "operator.json"
VARIABLE = "PATINA_OPERATOR_PASSWORD"


class Operator:
    """Where the operator's key is; nothing is decrypted before something is to be signed."""

    def __init__(self, config: Config, choice: Choice) -> None:
        self._config = config
        self._choice = choice
        self.path = choice.operator or config.path.parent / DEFAULT
        if choice.as_signer:
            self.path = config.keys.signing_keystore
        self._key: LocalSigner | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a keystore."""
        return self.path.exists()

    @property
    def is_signer(self) -> bool:
        """Whether the node's hot signing key is the operator, as was asked for."""
        return self._choice.as_signer

    @property
    def address(self) -> str:
        """The account; needs no password. KeyFileError without a keystore, or for the signing key by mistake."""
        from node.keys.signing import EthKeystore

        if not self.exists:
            raise KeyFileError(
                f"{self.path}: there is no operator account yet; make one with patina join, or name its keystore "
                "with --operator"
            )
        address = EthKeystore(self.path).address
        if not self.is_signer and address == self.signer_address:
            raise KeyFileError(
                f"{self.path}: that is the node's own signing key; name a keystore of its own for the operator, or say "
                "--use-signing-key if the node may take the bond away"
            )
        return address

    @property
    def signer_address(self) -> str | None:
        """The node's signing address; None without its keystore."""
        from node.keys.signing import EthKeystore

        path = self._config.keys.signing_keystore
        return EthKeystore(path).address if path.exists() else None

    def make(self, *, light: bool, asking: bool) -> str:
        """Make a new key, encrypted with a password of its own; its address."""
        from node.cli.ask import ask_new_password
        from node.keys.signing import SCRYPT_N, SCRYPT_N_LIGHT, EthKeystore

        given = self._source(asking=False).read_optional()
        if given is None and not asking:
            raise KeyFileError(
                f"no password for a new operator account: set {VARIABLE}, or give --operator-password-file FILE"
            )
        password = given or ask_new_password("Password for the operator account")
        return EthKeystore.create(self.path, password, scrypt_n=SCRYPT_N_LIGHT if light else SCRYPT_N).address

    def unlock(self) -> LocalSigner:
        """The key, decrypted once; KeyFileError for a wrong password, or where there is none."""
        from node.cli.options import asker
        from node.config import unlock_signer
        from node.keys.signing import EthKeystore

        if self._key is None:
            expected = self.address
            if self.is_signer:
                self._key = unlock_signer(self._config, ask=asker())
            else:
                password = self._source(asking=True).read_optional()
                if password is None:
                    raise KeyFileError(
                        f"no password of {self.path} ({expected}): set {VARIABLE}, give --operator-password-file FILE, "
                        "or start from a terminal to be asked for it"
                    )
                self._key = EthKeystore(self.path).unlock(password)
        return self._key

    def _source(self, *, asking: bool) -> SecretSource:
        from node.cli.options import asker
        from node.keys.secrets import SecretSource

        return SecretSource(
            "password of the operator account",
            variable=VARIABLE,
            file=self._choice.password_file,
            ask=asker() if asking else None,
        )
