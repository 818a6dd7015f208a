"""Where the secrets that a configuration needs are read from: environment, file, or the person at the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from node.config.schema import BrokerConfig, Config, PublishConfig
from node.errors import KeyFileError
from node.keys.secrets import Secret, SecretSource
from node.keys.signing import EthKeystore, LocalSigner
from node.keys.transport import TransportKeyFile

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Ask = Callable[[str], str]
"""Asks a person for the secret of that description and returns the answer, "" for none."""


def password_source(
    config: Config,
    kind: Literal["signing", "transport"],
    *,
    ask: Ask | None = None,
    environ: Mapping[str, str] | None = None,
) -> SecretSource:
    """Where the password of the signing key, or of the transport key, is found."""
    files = {"signing": config.keys.signing_password_file, "transport": config.keys.transport_password_file}
    return SecretSource(
        f"password of the {kind} key",
        variable=f"PATINA_{kind.upper()}_PASSWORD",
        file=files[kind],
        ask=ask,
        environ=environ,
    )


def unlock_signer(config: Config, *, ask: Ask | None = None, environ: Mapping[str, str] | None = None) -> LocalSigner:
    """The signing key, decrypted (about a second of one core). Raises KeyFileError."""
    source = password_source(config, "signing", ask=ask, environ=environ)
    return EthKeystore(config.keys.signing_keystore).unlock(source.read())


def unlock_transport(
    config: Config, *, ask: Ask | None = None, environ: Mapping[str, str] | None = None
) -> Ed25519PrivateKey:
    """The transport key, decrypted. Raises KeyFileError."""
    source = password_source(config, "transport", ask=ask, environ=environ)
    return TransportKeyFile(config.keys.transport_key).unlock(source.read())


def publish_token(config: Config, target: PublishConfig, *, environ: Mapping[str, str] | None = None) -> Secret | None:
    """The token of one of `config.content.publish`, or None where it asks for none. Raises KeyFileError."""
    position = config.content.publish.index(target) + 1
    return SecretSource(
        f"token of publishing target {position}",
        variable=f"PATINA_PUBLISH_{position}_TOKEN",
        file=target.token_file,
        environ=environ,
    ).read_optional()


def broker_password(config: Config, broker: BrokerConfig, *, environ: Mapping[str, str] | None = None) -> Secret | None:
    """The password at one of `config.gossip.brokers`, or None where it asks for none. Raises KeyFileError."""
    position = config.gossip.brokers.index(broker) + 1
    return SecretSource(
        f"password at broker {position}",
        variable=f"PATINA_BROKER_{position}_PASSWORD",
        file=broker.password_file,
        environ=environ,
    ).read_optional()


SHORTEST_TOKEN = 32
"""Characters of an operator's token: whoever guesses may try for months."""


def operator_token(config: Config, *, environ: Mapping[str, str] | None = None) -> Secret | None:
    """The token that opens the operator's page from other machines; None where there is none. Raises KeyFileError."""
    found = SecretSource(
        "token of the operator's page",
        variable="PATINA_OPERATOR_TOKEN",
        file=config.web.operator_token_file,
        environ=environ,
    ).read_optional()
    if found is not None and (len(found.reveal()) < SHORTEST_TOKEN or not found.reveal().isprintable()):
        raise KeyFileError(
            f"web.operator_token_file: a token has at least {SHORTEST_TOKEN} printable characters; "
            "make one with: openssl rand -hex 32"
        )
    return found
