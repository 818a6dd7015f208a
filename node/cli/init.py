"""`patina init`: set up a node's folder, asking for what is not given."""

from __future__ import annotations

import json
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from node.cli.ask import ask_new_password, ask_value, check_of
from node.cli.options import json_option, named, warn_of_secrets
from node.cli.questions import ask_setting, login_at, warn_of_doubts
from node.config.directory import DEPLOYMENT_NAME, NodeFolder, create_node_folder, refuse_what_is_there
from node.deployment.file import read
from node.errors import ConfigError
from node.keys.secrets import Secret, read_secret, read_text
from node.keys.signing import SCRYPT_N, SCRYPT_N_LIGHT, key_from_hex

#: What cannot be guessed: setting, flag, question, and what a newcomer has to know to answer it.
_NEEDED = (
    (
        "chain.endpoints",
        "--rpc",
        "JSON-RPC URL of the chain",
        "The node reads the chain through JSON-RPC endpoints: your own Ethereum node's, or a provider's. Two of "
        "different providers are better than one: the node then notices when one is wrong. A key in a URL is kept in "
        "a file of its own.",
    ),
    (
        "chain.id",
        "--chain-id",
        "Chain id (1 is Ethereum, 11155111 is Sepolia)",
        "The chain that the network's contracts stand on.",
    ),
    (
        "chain.oracle",
        "--oracle",
        "Address of the StrategyOracle contract",
        "The network is known by its oracle contract; whoever runs the network publishes its address. A deployment "
        "file (--deployment) says it too.",
    ),
    (
        "gossip.brokers.url",
        "--broker",
        "URL of an MQTT broker (mqtts://host:8883)",
        "Nodes talk through MQTT brokers, over all of them at once, so that any one is enough. The brokers need not be "
        "trusted; the network's makers name theirs.",
    ),
)


#: Options that hold a setting as it stands in the configuration.
_CHECKED = {
    "--name": "node.name",
    "--chain-id": "chain.id",
    "--oracle": "chain.oracle",
    "--rpc": "chain.endpoints",
    "--broker": "gossip.brokers.url",
    "--finality": "chain.finality",
    "--port": "web.port",
}


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default=Path())
@click.option("--name", help="What the node is called in logs; by default the folder's name.")
@click.option(
    "--deployment",
    type=click.Path(path_type=Path),
    help="The network's deployment file, which says chain, oracle and staking; a copy is kept.",
)
@click.option("--chain-id", help="Chain id, where there is no deployment file.")
@click.option("--oracle", help="Address of the StrategyOracle contract, with its checksum.")
@click.option(
    "--rpc",
    multiple=True,
    callback=warn_of_secrets,
    help="JSON-RPC URL; may be repeated. A URL with a key: use --rpc-file.",
)
@click.option("--rpc-file", type=click.Path(path_type=Path), help="File with JSON-RPC URLs, one a line.")
@click.option(
    "--broker",
    multiple=True,
    callback=warn_of_secrets,
    help="MQTT broker, mqtts://[user@]host[:port]; may be repeated. The password of a user is asked for, or taken from "
    "PATINA_BROKER_1_PASSWORD (2 for the second broker, and so on).",
)
@click.option(
    "--finality", type=int, metavar="N", help='Confirmations after which a block is final; by default "finalized".'
)
@click.option("--port", type=int, help="Port of the node's pages on this machine.")
@click.option("--password-file", type=click.Path(path_type=Path), help="File with the password for both keys.")
@click.option("--generate-password", is_flag=True, help="Make a random password and keep it in keys/password.")
@click.option("--import-key", type=click.Path(path_type=Path), help="File with an existing signing key, in hex.")
@click.option("--light", is_flag=True, help="Encrypt quickly and weakly: for devnets only.")
@click.option("--offline", is_flag=True, help="Do not ask endpoints and brokers whether they are the right ones.")
@click.option("--non-interactive", is_flag=True, help="Ask nothing; what is missing is an error.")
@json_option
def init(directory: Path, *, non_interactive: bool, as_json: bool, **given: Any) -> None:
    """Set up a new node in a folder of its own.

    DIRECTORY is this folder unless you name another. Writes config.toml, in which every setting is explained, and
    encrypted keys, and prints the addresses that the committee's owner needs. Asks for whatever no option gives, and
    looks at once whether endpoints and brokers are what they were named for. Nothing that exists is overwritten, and a
    set-up that fails leaves nothing behind.
    """
    refuse_what_is_there(directory)
    _check_options(given)
    deployed = _deployed(directory, given)
    ask = not non_interactive
    try:
        settings = _settings(directory, given, deployed, ask=ask)
        password, file, keep = _password(given["password_file"], given["generate_password"], ask=ask)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise ConfigError("nobody answers: --non-interactive names the options that are missing") from None
    key = None if given["import_key"] is None else key_from_hex(read_secret(given["import_key"]))
    if not as_json:
        click.echo("Encrypting the keys ...", err=True)
    node = create_node_folder(
        directory,
        settings,
        password,
        password_file=file,
        keep_password=keep,
        signing_key=key,
        deployment=None if deployed is None else deployed.raw,
        scrypt_n=SCRYPT_N_LIGHT if given["light"] else SCRYPT_N,
    )
    staked = _is_staked(settings["chain"], deployed, offline=given["offline"])
    _print(node, as_json=as_json, unattended=keep or file is not None, staked=staked)


def _check_options(given: dict[str, Any]) -> None:
    """Raise ConfigError that names every option whose value the configuration would refuse, as it was given."""
    wrong = []
    for option, setting in _CHECKED.items():
        value = given[option.removeprefix("--").replace("-", "_")]
        several = value if isinstance(value, tuple) else (value,)
        for place, one in enumerate(several, 1):
            fault = None if one is None else check_of(setting)(str(one))
            if fault is not None:
                wrong.append(f"  {option}{f' ({place}.)' if len(several) > 1 else ''}: {fault}")
    if wrong:
        raise ConfigError("\n".join([f"{'an option is' if len(wrong) == 1 else 'options are'} wrong:", *wrong]))


@dataclass(frozen=True, slots=True)
class _Deployed:
    """A deployment file as it is to be kept, its chain, and whether its network is joined by staking."""

    raw: bytes
    chain_id: int
    staking: bool


def _deployed(directory: Path, given: dict[str, Any]) -> _Deployed | None:
    """The deployment file that was named, read before anything is asked."""
    path = given["deployment"]
    if path is None:
        return None
    for option in ("chain_id", "oracle"):
        if given[option] is not None:
            name = f"--{option.replace('_', '-')}"
            raise ConfigError(f"--deployment and {name} exclude each other: the file says it")
    if path.absolute() != (directory / DEPLOYMENT_NAME).absolute():
        refuse_what_is_there(directory, DEPLOYMENT_NAME)
    found, raw = read(path)
    return _Deployed(raw, found.chain_id, found.staking is not None)


def _settings(
    directory: Path, given: dict[str, Any], deployed: _Deployed | None, *, ask: bool
) -> dict[str, dict[str, Any]]:
    """The settings of node.config.directory, asked for where no option gives them."""
    urls = list(given["rpc"])
    if given["rpc_file"] is not None:
        listed = map(str.strip, read_text(given["rpc_file"]).splitlines())
        urls += [line for line in listed if line and not line.startswith("#")]
    have: dict[str, Any] = {
        "chain.id": given["chain_id"] if deployed is None else deployed.chain_id,
        "chain.oracle": given["oracle"],
        "chain.endpoints": urls,
        "gossip.brokers.url": list(given["broker"]),
    }
    known = () if deployed is None else ("chain.id", "chain.oracle")
    missing = [needed for needed in _NEEDED if not have[needed[0]] and needed[0] not in known]
    if missing and not ask:
        lines = [f"  {flag}: {question}" for _, flag, question, _ in missing]
        raise ConfigError("\n".join(["without being asked, a new node needs these options too:", *lines]))
    name = given["name"] or _name_from(directory)
    if not given["offline"]:
        warn_of_doubts(have)
    if missing:
        click.echo("A new node needs a few answers. Ctrl-C leaves everything as it was.\n", err=True)
        if given["name"] is None:
            name = ask_value("Name of this node", check_of("node.name"), default=name)
    for setting, _, question, why in missing:
        have[setting] = ask_setting(setting, question, why, have, offline=given["offline"])
    new = not given["broker"]
    brokers = [login_at(url, place, ask=ask, new=new) for place, url in enumerate(have["gossip.brokers.url"], 1)]
    chain = {"endpoints": have["chain.endpoints"]}
    if deployed is None:
        chain |= {"id": _number(have["chain.id"]), "oracle": have["chain.oracle"]}
    settings: dict[str, dict[str, Any]] = {"node": {"name": name}, "chain": chain, "gossip": {"brokers": brokers}}
    if given["finality"] is not None:
        chain["finality"] = given["finality"]
    if given["port"] is not None:
        settings["web"] = {"port": given["port"]}
    return settings


def _is_staked(chain: dict[str, Any], deployed: _Deployed | None, *, offline: bool) -> bool:
    """Whether the network is joined by staking: the deployment file says so, or the oracle itself."""
    from node.cli.reach import is_staked

    if deployed is not None or offline:
        return deployed is not None and deployed.staking
    return is_staked(chain["oracle"], chain["endpoints"][0])


def _name_from(directory: Path) -> str:
    return directory.absolute().resolve().name or "patina"


def _number(text: object) -> object:
    """The number in an option's text; what is none goes on to be refused with the other faults."""
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else text


def _password(file: Path | None, generate: bool, *, ask: bool) -> tuple[Secret, Path | None, bool]:
    """The password for both keys, the file that has it, and whether the folder is to keep it."""
    if file is not None and generate:
        raise ConfigError("--password-file and --generate-password exclude each other: give one of them")
    if file is not None:
        return read_secret(file), file, False
    if generate:
        return Secret(secrets.token_urlsafe(24)), None, True
    if not ask:
        raise ConfigError("no password for the keys: give --password-file FILE or --generate-password")
    password = ask_new_password("Password for the node's keys")
    question = "Keep it in keys/password (mode 0600), so that the node can start by itself?"
    return password, None, click.confirm(question, default=True, err=True)


def _print(node: NodeFolder, *, as_json: bool, unattended: bool, staked: bool) -> None:
    transport = f"0x{node.transport_key.hex()}"
    if as_json:
        shown = {"config": str(node.config), "address": node.address, "transport_key": transport}
        click.echo(json.dumps(shown))
        return
    folder = node.config.parent
    where = named(node.config)
    click.echo(
        f"\nYour node stands in {folder}\n\n"
        f"  signing address   {node.address}\n"
        f"  transport key     {transport}\n"
        f"  configuration     {node.config}\n\n"
        "Next:\n"
        f"  1. Copy {folder / 'keys'} to a safe place; nobody can restore these keys.\n"
        "  2. Send some of the chain's coin to the signing address: it pays for the transactions.\n"
        f"  3. patina check{where}   (it tests everything, and says what to do)\n"
        + (
            f"  4. patina join{where}   (it walks you through staking)\n"
            if staked
            else "  4. Give the signing address and the transport key to the committee's owner.\n"
        )
        + f"  5. patina run{where}"
        + ("" if unattended else "   (it asks for the password)")
        + "\n"
    )
