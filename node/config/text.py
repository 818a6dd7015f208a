"""A configuration as commented TOML: the example file, a new node's file, and what `config show` prints."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from node.config.load import annotated
from node.config.schema import SECTIONS, BrokerConfig, Config, GossipConfig, Key
from node.keys.secrets import SecretUrl

Settings = Mapping[str, Mapping[str, Any]]
"""Section -> key -> value; `gossip.brokers` is a list of such tables."""

_HEAD = """\
# Configuration of a Patina node. Paths start from this file's folder; times are whole milliseconds.
# Passwords never stand here: they come from files, from the environment, or from the terminal.
"""


def toml_value(value: object) -> str:
    """One value in TOML. A SecretUrl is written masked: pass on `reveal()` to write it out."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal | float):
        return format(Decimal(str(value)), "f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    # A TOML basic string is a JSON string, but for DEL, which TOML wants escaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def example_toml() -> str:
    """The example file: every key, explained, with its default, or with an example where it has none."""
    return _HEAD + "".join(_section(name, section, {}, example=True) for name, section in SECTIONS.items())


def render_toml(settings: Settings) -> str:
    """A node's file: the given settings, and every other key explained and commented out.

    Defaults stay commented out so that a better default of a later version reaches the node.
    """
    parts = [_section(name, section, settings.get(name, {}), example=False) for name, section in SECTIONS.items()]
    return _HEAD + "".join(parts)


def show_toml(config: Config) -> str:
    """Every setting in force, URLs masked, without explanations."""
    lines = [f"# {config.path}"]
    for name, table in shown(config).items():
        nested = {key: value for key, value in table.items() if _is_tables(value)}
        plain = {key: value for key, value in table.items() if key not in nested}
        lines += [f"\n[{name}]", *_assigned(plain)] if plain else []
        for key, tables in nested.items():
            for each in tables:
                lines += [f"\n[[{name}.{key}]]", *_assigned(each)]
    return "\n".join(lines) + "\n"


def shown(config: Config) -> dict[str, dict[str, Any]]:
    """Every setting in force, URLs masked, as values that JSON can hold."""
    return {name: _plain(getattr(config, name)) for name in SECTIONS}


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _assigned(table: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {toml_value(value)}" for key, value in table.items() if value is not None]


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value) if isinstance(value, Path | SecretUrl) else value


def _section(name: str, section: type, given: Mapping[str, Any], *, example: bool) -> str:
    lines = ["", *_comment(section.__doc__ or "")]
    if section is GossipConfig:
        for broker in given.get("brokers", [{}]):
            lines += ["[[gossip.brokers]]", *_keys(BrokerConfig, broker, example=example), ""]
        return "\n".join(lines)
    lines += [f"[{name}]", *_keys(section, given, example=example), ""]
    for each, _, key in annotated(section):
        if key.table is not None:
            # Nobody must have one: it stands there commented out as a whole.
            for table in given.get(each.name, ()) or [{}]:
                head = f"[[{name}.{each.name}]]"
                lines += _comment(key.table.__doc__ or "")
                lines += [head if table else f"# {head}", *_keys(key.table, table, example=False), ""]
    return "\n".join(lines)


def _keys(section: type, given: Mapping[str, Any], *, example: bool) -> Iterator[str]:
    for each, _, key in annotated(section):
        if key.table is not None:
            continue
        yield from _comment(key.doc)
        value, active = _line_of(each, key, given, example=example)
        yield f"{'' if active else '# '}{each.name} = {toml_value(value)}"


def _line_of(each: Field[Any], key: Key, given: Mapping[str, Any], *, example: bool) -> tuple[object, bool]:
    """The value that a key's line shows, and whether the line counts or is commented out."""
    if given.get(each.name) is not None:
        return given[each.name], True
    if each.default is MISSING or (key.example is not None and each.default == ()):
        return key.example, example
    if each.default is None:
        return key.example, False
    return each.default, example


def _comment(text: str) -> list[str]:
    paragraphs = [" ".join(part.split()) for part in text.strip().split("\n\n")]
    return [
        line for part in paragraphs for line in textwrap.wrap(part, 110, initial_indent="# ", subsequent_indent="# ")
    ]
