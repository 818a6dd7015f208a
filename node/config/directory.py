"""Set up a node's folder: configuration, encrypted keys and secret files, all of it or nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from node.config.faults import FaultyConfigError
from node.config.load import load
from node.config.schema import HTTP
from node.config.text import Settings, render_toml
from node.config.values import fault_of_url
from node.errors import ConfigError
from node.keys.files import create_private
from node.keys.secrets import Secret, SecretUrl
from node.keys.signing import SCRYPT_N, EthKeystore
from node.keys.transport import TransportKeyFile

CONFIG_NAME = "config.toml"
DEPLOYMENT_NAME = "deployment.json"
_KEYS = Path("keys")
_STATE = Path("state")
_RECIPES = Path("recipes")


@dataclass(frozen=True, slots=True)
class NodeFolder:
    """A folder that stands: where, and what others need to know of its keys."""

    config: Path
    address: str
    transport_key: bytes


def create_node_folder(
    folder: Path,
    settings: Settings,
    password: Secret,
    *,
    password_file: Path | None = None,
    keep_password: bool = False,
    signing_key: bytes | None = None,
    deployment: bytes | None = None,
    scrypt_n: int = SCRYPT_N,
) -> NodeFolder:
    """Make a node in `folder`, which may exist as long as nothing in it is in the way.

    `settings` are those of node.config.text: at least chain.id, chain.oracle, chain.endpoints (texts) and
    gossip.brokers (a list of tables). URLs with keys in them move to keys/endpoints, a broker URL's user and password
    to `username` and a password file. For a node that starts by itself, `password_file` names the
    file that has the password, or `keep_password` writes it to keys/password. `deployment` is the content of a
    deployment file, kept as deployment.json beside the configuration and taken for chain.id and chain.oracle.
    Raises ConfigError (with all faults) or KeyFileError, and then leaves the folder as it was.
    """
    folder = folder.absolute()
    if password_file is not None or keep_password:
        file = str(_KEYS / "password" if password_file is None else password_file.absolute())
        settings = {"keys": {"signing_password_file": file, "transport_password_file": file}} | dict(settings)
    if deployment is not None:
        settings = {**settings, "chain": {"deployment": DEPLOYMENT_NAME, **settings.get("chain", {})}}
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    # One that lies here already is its own copy.
    here = folder / DEPLOYMENT_NAME
    copied = deployment is not None and not (here.is_file() and here.read_bytes() == deployment)
    refuse_what_is_there(folder, DEPLOYMENT_NAME if copied else "")
    staging: Path | None = None
    moved: list[Path] = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".patina-init-", dir=folder))
        if keep_password and password_file is None:
            _write_lines(staging / _KEYS / "password", [password.reveal()])
        if deployment is not None:
            create_private(staging / DEPLOYMENT_NAME, deployment)
        address, transport_key = _fill(staging, settings, password, signing_key, scrypt_n)
        # The configuration goes last: a folder without one is no node, whatever interrupted us.
        kept = [Path(DEPLOYMENT_NAME)] if copied else []
        for name in (_KEYS, _STATE, _RECIPES, *kept, Path(CONFIG_NAME)):
            (staging / name).rename(folder / name)
            moved.append(folder / name)
        shutil.rmtree(staging)
    except BaseException as error:
        for path in moved:
            path.unlink() if path.is_file() else shutil.rmtree(path)
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
        for path in made:
            if path.is_dir():
                path.rmdir()
        if isinstance(error, FaultyConfigError):
            raise FaultyConfigError(folder / CONFIG_NAME, error.faults) from None
        if isinstance(error, OSError):
            raise ConfigError(f"{folder}: the node cannot be set up here ({error.strerror})") from error
        raise
    return NodeFolder(folder / CONFIG_NAME, address, transport_key)


def refuse_what_is_there(folder: Path, also: str = "") -> None:
    """Raise ConfigError where something in `folder`, `also` a file of that name, would be overwritten.

    Before anybody is asked anything.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file; name a folder, new or empty")
    if (folder / CONFIG_NAME).exists():
        raise ConfigError(f"{folder}: a node is set up here already, and is left as it is; name another folder")
    for name in (_KEYS, _STATE, _RECIPES, *([Path(also)] if also else [])):
        if (folder / name).exists():
            raise ConfigError(f"{folder / name}: is in the way, and is left as it is; name a new or empty folder")


def _fill(
    staging: Path, settings: Settings, password: Secret, signing_key: bytes | None, scrypt_n: int
) -> tuple[str, bytes]:
    written: dict[str, dict[str, Any]] = {name: dict(table) for name, table in settings.items()}
    chain, gossip = written.setdefault("chain", {}), written.setdefault("gossip", {})
    for name in (_KEYS, _STATE):
        (staging / name).mkdir(mode=0o700, exist_ok=True)
        # Keys and journal must not get into a repository by an absent-minded `git add`.
        create_private(staging / name / ".gitignore", b"*\n")
    (staging / _RECIPES).mkdir(mode=0o700)
    endpoints = [SecretUrl(str(url)) for url in chain.get("endpoints", ())]
    # Faulty ones stay where load() names them as the caller does.
    sound = not any(fault_of_url(url.reveal(), HTTP) for url in endpoints)
    if sound and any(url.carries_secret for url in endpoints):
        _write_lines(staging / _KEYS / "endpoints", (url.reveal() for url in endpoints))
        del chain["endpoints"]
        chain["endpoints_file"] = str(_KEYS / "endpoints")
    gossip["brokers"] = [_broker(staging, broker, n) for n, broker in enumerate(gossip.get("brokers", ()), 1)]
    create_private(staging / CONFIG_NAME, render_toml(written).encode())
    load(staging / CONFIG_NAME, environ={}, check_files=False)  # the faults before the slow part
    signing, transport = staging / _KEYS / "signing.json", staging / _KEYS / "transport.pem"
    if signing_key is None:
        keystore = EthKeystore.create(signing, password, scrypt_n=scrypt_n)
    else:
        keystore = EthKeystore.import_key(signing, signing_key, password, scrypt_n=scrypt_n)
    public = TransportKeyFile.create(transport, password).public_key
    load(staging / CONFIG_NAME, environ={})
    return keystore.address, public


def _broker(staging: Path, broker: Mapping[str, Any], position: int) -> dict[str, Any]:
    """The broker's table, user and password taken out of its URL."""
    table = dict(broker)
    try:
        parts = urlsplit(str(table.get("url", "")))
    except ValueError:
        return table  # load() says what is wrong with it
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return table
    user, _, password = userinfo.partition(":")
    table["url"] = urlunsplit(parts._replace(netloc=host))
    table["username"] = unquote(user)
    if password:
        file = _KEYS / f"broker-{position}.password"
        _write_lines(staging / file, [Secret(unquote(password)).reveal()])
        table["password_file"] = str(file)
    return table


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    create_private(path, "".join(f"{line}\n" for line in lines).encode())
