"""docs/configuration.md, written from the settings' own descriptions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from node.config.load import annotated
from node.config.schema import SECTIONS, Address, BrokerConfig, GossipConfig, Key
from node.config.text import toml_value
from node.keys.secrets import SecretUrl

_KINDS = {
    bool: "true or false",
    int: "whole number",
    Decimal: "number",
    str: "text",
    Path: "path",
    Address: "address",
    SecretUrl: "URL",
    type(None): "",
}

_HEAD = """\
# Configuration

A node reads one file, `config.toml`. `patina init` writes it with every setting explained;
[config.example.toml](../config.example.toml) is the same with all defaults. What is wrong with a file is told all at
once, each fault with its key and what to do. `patina config show` prints the settings in force.

- Relative paths start from the folder of the file.
- Names that end in `_ms` are durations in whole milliseconds.
- Passwords never stand in the file. They are looked for in the environment first, then in the file that a
  `*_file` key names, and asked for at the terminal last. Files with secrets must not be readable by other users
  (`chmod 600`).

| environment | stands in for |
| --- | --- |
| `PATINA_CONFIG` | the option `--config`: the file, or the folder that holds it |
| `PATINA_ENDPOINTS` | `chain.endpoints` and `chain.endpoints_file`, and `--rpc` of commands: URLs separated by spaces |
| `PATINA_SIGNING_PASSWORD` | `keys.signing_password_file`: the password itself |
| `PATINA_TRANSPORT_PASSWORD` | `keys.transport_password_file`: the password itself |
| `PATINA_OPERATOR_PASSWORD` | `--operator-password-file` of `patina join` and `patina stake`: the password itself |
| `PATINA_IMPORT_PASSWORD` | the prompt of `patina keys import` for the password of the keystore |
| `PATINA_CA_PASSWORD` | the option `--password-file` of `patina certs`: the password of the authority's key |
| `PATINA_BROKER_1_PASSWORD` | `password_file` of the first broker (2 for the second, and so on): the password itself |
| `PATINA_PUBLISH_1_TOKEN` | `token_file` of the first place to publish to (2 for the second): the token itself |
| `PATINA_NOTICE_TARGETS` | `notices.targets_file`: the targets themselves, as they would stand in the file |
"""


_TABLE = ("| key | value | default | meaning |", "| --- | --- | --- | --- |")


def reference_markdown() -> str:
    """The whole page."""
    return _HEAD + "".join(_section(name, section) for name, section in SECTIONS.items())


def _section(name: str, section: type) -> str:
    title = "[[gossip.brokers]]" if section is GossipConfig else f"[{name}]"
    intro = [section, BrokerConfig] if section is GossipConfig else [section]
    paragraphs = [" ".join(part.split()) for each in intro for part in (each.__doc__ or "").strip().split("\n\n")]
    lines = ["", f"## `{title}`", "", *(line for part in paragraphs for line in (part, ""))]
    lines += [*_TABLE, *_rows(intro[-1])]
    for each, _, key in annotated(section):
        if key.table is not None:
            meaning = " ".join((key.table.__doc__ or "").split())
            lines += ["", f"## `[[{name}.{each.name}]]`", "", meaning, "", *_TABLE, *_rows(key.table)]
    return "\n".join(lines) + "\n"


def _rows(section: type) -> Iterator[str]:
    for each, kind, key in annotated(section):
        if key.table is not None:
            continue
        cells = [f"`{each.name}`", _kind(kind, key), _default(each, key), key.doc]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(each: Field[Any], key: Key) -> str:
    if each.default is MISSING or (each.default == () and key.example is not None):
        return "required"
    return "none" if each.default in (None, ()) else f"`{toml_value(each.default)}`"


def _kind(kind: Any, key: Key) -> str:
    origin = get_origin(kind)
    if origin is Literal:
        return " or ".join(f'`"{word}"`' for word in get_args(kind))
    if origin in (Union, UnionType):
        return " or ".join(filter(None, (_kind(option, key) for option in get_args(kind))))
    if origin is tuple:
        return f"list: {_kind(get_args(kind)[0], key)}"
    if key.choices:
        return " or ".join(f'`"{choice}"`' for choice in key.choices)
    limits = [
        f"from {Decimal(key.low):,f}" if key.low is not None else "",
        f"to {Decimal(key.high):,f}" if key.high is not None else "",
    ]
    return " ".join(filter(None, (_KINDS[kind], *limits)))
