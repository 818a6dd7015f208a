"""Read a configuration file into Config, or raise one ConfigError that lists every fault."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_type_hints

from node.bounded import read_at_most
from node.config.checks import check_together
from node.config.deployed import fill_deployed
from node.config.faults import Fault, Faults, FaultyConfigError
from node.config.nearest import suggest
from node.config.schema import SECTIONS, BrokerConfig, Config, GossipConfig, Key, PublishConfig
from node.config.tls import check_tls
from node.config.values import WRONG, Reader, fault_of_url, is_there, toml_name
from node.errors import printable
from node.keys.secrets import SecretUrl, read_text

ENDPOINTS_VARIABLE = "PATINA_ENDPOINTS"
_URLS = ("endpoints", "websockets")
MAX_BYTES = 1 << 20
"""A configuration with every setting has some thousand bytes."""
# tomllib's work and memory grow with the square of a dotted key's length; the settings have two parts.
_ENDLESS_KEY = re.compile(r"""(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){64}""")


def load(path: Path | str, *, environ: Mapping[str, str] | None = None, check_files: bool = True) -> Config:
    """The configuration in `path`, with absolute paths and every endpoint.

    `environ` stands in for os.environ; `check_files=False` does not ask whether files that it names exist.
    Raises ConfigError (a FaultyConfigError with `.faults`) that lists all faults at once.
    """
    path = Path(path).absolute()
    return read_document(parse(path), path, environ=environ, check_files=check_files)


def read_document(
    tables: dict[str, Any], path: Path, *, environ: Mapping[str, str] | None = None, check_files: bool = True
) -> Config:
    """Like `load`, of what stands in a file already parsed; `tables` are changed."""
    reader = Reader(path.parent, Faults(), check_files)
    fill_deployed(tables, path.parent, reader.faults)
    _refuse_unknown(tables, SECTIONS, "", reader.faults, what="section")
    sections: dict[str, Any] = {}
    for name, section in SECTIONS.items():
        table = tables.get(name, {})
        if not isinstance(table, dict):
            reader.faults.add(name, f"is {toml_name(table)}", f"write [{name}] on a line of its own")
            continue
        sections[name] = read_table(reader, section, table, name)
    endpoints: tuple[SecretUrl, ...] = ()
    websockets: tuple[SecretUrl, ...] = ()
    if "chain" in sections:
        urls = _endpoints(reader, sections["chain"], os.environ if environ is None else environ)
        websockets = tuple(url for url in urls if _is_websocket(url))
        endpoints = tuple(url for url in urls if not _is_websocket(url))
    check_together(sections, reader.faults)
    if check_files:
        _check_tls(sections, reader.faults)
    reader.faults.raise_if_any(path)
    sections["chain"]["endpoints"] = endpoints
    sections["chain"]["websockets"] = tuple(dict.fromkeys((*sections["chain"]["websockets"], *websockets)))
    sections["gossip"]["brokers"] = tuple(BrokerConfig(**broker) for broker in sections["gossip"]["brokers"])
    sections["content"]["publish"] = tuple(PublishConfig(**target) for target in sections["content"]["publish"])
    return Config(path=path, **{name: SECTIONS[name](**values) for name, values in sections.items()})


def _check_tls(sections: Mapping[str, Any], faults: Faults) -> None:
    brokers = sections.get("gossip", {}).get("brokers", WRONG)
    for position, broker in enumerate(() if brokers is WRONG else brokers, 1):
        if broker["ca"] or broker["cert"]:
            check_tls(broker, f"gossip.brokers[{position}]", faults)


def annotated(section: type) -> list[tuple[Field[Any], Any, Key]]:
    """The fields of a section, each with its type and its Key."""
    hints = get_type_hints(section, include_extras=True)
    return [(each, *get_args(hints[each.name])) for each in fields(section)]


def read_table(reader: Reader, section: type, table: dict[str, Any], where: str) -> dict[str, Any]:
    """The settings of one table, defaults filled in; what is wrong is noted, and absent or WRONG here."""
    described = annotated(section)
    _refuse_unknown(table, [each.name for each, _, _ in described], f"{where}.", reader.faults, what="key")
    values: dict[str, Any] = {}
    for each, kind, key in described:
        at = f"{where}.{each.name}"
        if each.name in table and section is GossipConfig:
            values[each.name] = _read_brokers(reader, table[each.name], at)
        elif each.name in table and key.table is not None:
            values[each.name] = _read_tables(reader, key.table, table[each.name], at)
        elif each.name in table:
            values[each.name] = reader.read(kind, key, table[each.name], at)
        elif each.default is MISSING:
            reader.faults.add(at, "is missing", _how_to_add(section, each.name, key))
            values[each.name] = WRONG
        elif isinstance(each.default, Path):
            values[each.name] = reader.existing(key, each.default, at)
        else:
            values[each.name] = each.default
    return values


def parse(path: Path) -> dict[str, Any]:
    """The tables of a file as they stand there; FaultyConfigError for what is no TOML."""
    try:
        raw = read_at_most(path, MAX_BYTES)
        text = raw.decode("utf-8-sig")  # some editors of Windows begin every text with a mark
        if len(raw) > MAX_BYTES or _ENDLESS_KEY.search(text):
            raise RecursionError
        # Line ends as Python's text files have them: tomllib takes no lone carriage return.
        return tomllib.loads(text.replace("\r\n", "\n"), parse_float=Decimal)
    except FileNotFoundError:
        problem, fix = "there is no such file", "make one with patina init, or name another with --config"
    except OSError as error:
        problem, fix = f"cannot be read ({error.strerror})", "check the path and its permissions"
    except UnicodeDecodeError:
        problem, fix = "is not a text in UTF-8", "save it as UTF-8"
    except RecursionError:
        problem, fix = "is too long or nested too deeply", "compare it with what patina config example prints"
    except ArithmeticError:
        problem, fix = "holds a number beyond any exponent", "look for a number with an e in it"
    except ValueError as error:  # TOMLDecodeError, or Python's limit on the digits of a number
        problem = f"is not TOML: {printable(str(error))}"
        fix = "mend that line, then look again: further faults may follow"
    raise FaultyConfigError(path, (Fault(path.name, problem, fix),))


def _refuse_unknown(
    table: Mapping[str, object], known: Iterable[str], prefix: str, faults: Faults, *, what: str
) -> None:
    known = list(known)
    for name in table:
        if name not in known:
            faults.add(
                f"{prefix}{printable(name, 80)}", f"is an unknown {what}{suggest(name, known)}", "correct or remove it"
            )


def _how_to_add(section: type, name: str, key: Key) -> str:
    if section is GossipConfig:
        return 'add [[gossip.brokers]] and under it url = "mqtts://host:8883"'
    example = f'"{key.example}"' if isinstance(key.example, str) else key.example
    return f"add {name} = {example} with your own value"


def _read_brokers(reader: Reader, value: object, where: str) -> Any:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        reader.faults.add(where, "is not a list of tables", "write each broker as [[gossip.brokers]]")
        return WRONG
    if not value:
        reader.faults.add(where, "is empty", "add [[gossip.brokers]] and under it its url")
    return [read_table(reader, BrokerConfig, each, f"{where}[{n}]") for n, each in enumerate(value, 1)]


def _read_tables(reader: Reader, kind: type, value: object, where: str) -> Any:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        reader.faults.add(where, "is not a list of tables", f"write each as [[{where}]] on a line of its own")
        return WRONG
    return [read_table(reader, kind, each, f"{where}[{n}]") for n, each in enumerate(value, 1)]


def _endpoints(reader: Reader, chain: dict[str, Any], environ: Mapping[str, str]) -> tuple[SecretUrl, ...]:
    """The endpoints of the environment, or those of the file and of the file that it names; WebSockets among them."""
    described = annotated(SECTIONS["chain"])
    schemes = tuple(scheme for each, _, key in described if each.name in _URLS for scheme in key.schemes)
    urls: Any
    path = chain["endpoints_file"]
    if given := environ.get(ENDPOINTS_VARIABLE, "").split():
        urls = _urls(reader, schemes, [(ENDPOINTS_VARIABLE, url) for url in given])
        path = None
    else:
        urls = chain["endpoints"]
    if isinstance(path, Path) and is_there(path):
        at = "chain.endpoints_file"
        if (text := reader.note_key_file(lambda: read_text(path), at)) is None:
            return ()
        lines = [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1)]
        wanted = [(f"{at} line {n}", line) for n, line in lines if line and not line.startswith("#")]
        found = _urls(reader, schemes, wanted)
        urls = (*urls, *found) if urls is not WRONG else WRONG
    if urls is WRONG:
        return ()
    if all(map(_is_websocket, urls)) and (path is None or reader.check_files):
        reader.faults.add(
            "chain.endpoints",
            "no endpoint is named",
            f"add a JSON-RPC URL here, in the file that endpoints_file names, or in {ENDPOINTS_VARIABLE}",
        )
    # The same one twice would be its own witness.
    return tuple(dict.fromkeys(urls))


def _is_websocket(url: SecretUrl) -> bool:
    return url.reveal().startswith(("ws://", "wss://"))


def _urls(reader: Reader, schemes: tuple[str, ...], given: list[tuple[str, str]]) -> tuple[SecretUrl, ...]:
    for where, url in given:
        if fault := fault_of_url(url, schemes):
            reader.faults.add(where, fault, "write http://host or https://host")
    return tuple(SecretUrl(url) for _, url in given if not fault_of_url(url, schemes))
