"""Loading a configuration: what is read, and every way in which it is refused."""

from __future__ import annotations

import contextlib
import math
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.config import Config, FaultyConfigError, load
from node.config.text import toml_value

ORACLE = "0xdD870fA1b7C4700F2BD7f44238821C26f7392148"
LEAST = f"""
[chain]
id = 31337
oracle = "{ORACLE}"
endpoints = ["http://127.0.0.1:8545"]
[[gossip.brokers]]
url = "mqtt://127.0.0.1:1883"
"""


def read(folder: Path, text: str, **environ: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text)
    return load(path, environ=environ, check_files=False)


def faults(folder: Path, text: str, **environ: str) -> dict[str, str]:
    with pytest.raises(FaultyConfigError) as caught:
        read(folder, text, **environ)
    lines = str(caught.value).splitlines()
    of_the_file = [fault.key for fault in caught.value.faults] == ["config.toml"]
    assert len(lines) == (1 if of_the_file else len(caught.value.faults) + 1)
    return {fault.key: f"{fault.problem}; {fault.fix}" for fault in caught.value.faults}


def with_key(section: str, line: str) -> str:
    """LEAST with one more line in a section."""
    head, mark, tail = LEAST.partition(f"[{section}]\n")
    return f"{head}{mark}{line}\n{tail}" if mark else f"{LEAST}\n[{section}]\n{line}\n"


def test_load__least_file__defaults_and_absolute_paths(tmp_path: Path) -> None:
    config = read(tmp_path, LEAST)
    assert config.chain.id == 31337
    assert config.chain.oracle == ORACLE
    assert [url.reveal() for url in config.chain.endpoints] == ["http://127.0.0.1:8545"]
    assert config.chain.finality == "finalized"
    assert config.feeds.serve == "all"
    assert config.node.directory == tmp_path / "state"
    assert config.keys.signing_keystore == tmp_path / "keys" / "signing.json"
    assert config.gossip.brokers[0].url.reveal() == "mqtt://127.0.0.1:1883"
    assert config.transmit.bump_percent == Decimal("12.5")


def test_load__fees_in_gwei__are_exact_in_wei(tmp_path: Path) -> None:
    config = read(tmp_path, with_key("transmit", "max_fee_gwei = 0.3\npriority_fee_gwei = 0.000000001"))
    assert (config.transmit.max_fee, config.transmit.priority_fee) == (300_000_000, 1)


def test_load__many_faults__all_told_at_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        """
        [chian]
        [chain]
        id = "one"
        oracle = "0xdd870fA1b7C4700F2BD7f44238821C26f7392148"
        endpoints = ["ftp://x", 7, "http://"]
        pol_ms = 5
        timeout_ms = 1
        [log]
        level = "inf"
        [[gossip.brokers]]
        usrname = "a"
        [agreement]
        view_ms = 900000
        [render]
        engine = "fast"
        devices = ["tpu"]
        pool = "ray:"
        workers = 0
        """,
    )
    assert set(found) == {
        "chian",
        "chain.id",
        "chain.oracle",
        "chain.endpoints[1]",
        "chain.endpoints[2]",
        "chain.endpoints[3]",
        "chain.pol_ms",
        "chain.timeout_ms",
        "log.level",
        "gossip.brokers[1].url",
        "gossip.brokers[1].usrname",
        "agreement.max_view_ms",
        "render.engine",
        "render.devices[1]",
        "render.pool",
        "render.workers",
    }
    assert "did you mean chain?" in found["chian"]
    assert "did you mean poll_ms?" in found["chain.pol_ms"]
    assert "did you mean username?" in found["gossip.brokers[1].usrname"]
    assert "did you mean info?" in found["log.level"]
    assert ORACLE in found["chain.oracle"]
    assert "from 100 to 600000" in found["chain.timeout_ms"]


@pytest.mark.parametrize(
    ("section", "line", "key", "words"),
    [
        ("chain", "finality = true", "chain.finality", "from 1 to 100000"),
        ("chain", 'finality = "safe"', "chain.finality", '"finalized" or a number'),
        ("chain", "finality = 0", "chain.finality", "0 is too small"),
        ("chain", "poll_ms = 1.5", "chain.poll_ms", "is a number; write a whole number"),
        ("chain", "poll_ms = true", "chain.poll_ms", "is true or false"),
        ("feeds", "serve = []", "feeds.serve", "name at least one"),
        ("web", "port = 9464\nmetrics_port = 9464", "web.metrics_port", "is the port of the pages"),
        ("feeds", "serve = [1, 1]", "feeds.serve", "twice"),
        ("feeds", "serve = [0]", "feeds.serve[1]", "too small"),
        ("feeds", "serve = 3", "feeds.serve", '"all" or a list'),
        ("web", 'enabled = "yes"', "web.enabled", "write true or false"),
        ("web", "port = 65536", "web.port", "too large"),
        ("web", 'host = ""', "web.host", "is empty"),
        ("transmit", "max_fee_gwei = nan", "transmit.max_fee_gwei", "not finite"),
        ("transmit", "bump_percent = 9.9", "transmit.bump_percent", "too small"),
        ("transmit", "max_fee_gwei = 1\npriority_fee_gwei = 2", "transmit.max_fee_gwei", "at least 2"),
        ("node", "directory = 5", "node.directory", "a path"),
        ("log", "level = 1979-05-27", "log.level", "a date or time"),
        ("web", "port = 0x" + "f" * 9000, "web.port", "the number is too large"),
        ("transmit", "max_fee_gwei = 1e999999", "transmit.max_fee_gwei", "too large"),
        ("node", 'directory = "~nobody-here/x"', "node.directory", "begins with ~"),
        ("render", 'engine = "numpi"', "render.engine", 'one of "auto", "numpy", "torch", "cuda"'),
        ("render", 'devices = "gpu"', "render.devices", '"auto" or a list of texts in quotes'),
        ("render", "devices = 3", "render.devices", '"auto" or a list of texts in quotes'),
        ("render", "devices = []", "render.devices", "name at least one"),
        ("render", "devices = [0]", "render.devices[1]", "is a whole number"),
        ("render", 'devices = ["cpu", "cuda"]', "render.devices[2]", 'write "cpu", or "cuda:0"'),
        ("render", 'devices = ["cuda:00"]', "render.devices[1]", "is no device"),
        ("render", 'devices = ["cpu", "cpu"]', "render.devices", "twice"),
        ("render", 'devices = ["cpu"]\nengine = "cuda"', "render.devices[1]", "no use"),
        ("render", 'devices = ["cuda:0"]\nengine = "numpy"', "render.devices[1]", "no use"),
        ("render", "batch = 0", "render.batch", "too small"),
        ("render", "memory_mb = 100", "render.memory_mb", "too small"),
        ("render", "nice = 20", "render.nice", "too large"),
        ("render", 'pool = "remote"', "render.pool", 'write "local"'),
        ("render", 'pool = "ray://host"', "render.pool", "has no port"),
        ("render", 'pool = "http://host:10001"', "render.pool", "not a URL of ray"),
        ("render", 'pool = "ray://host:10001/x"', "render.pool", "more than host and port"),
        ("render", 'pool = "ray://me:secret@host:1"', "render.pool", "which Ray does not know"),
        ("render", 'pool = "ray://auto"\ndevices = ["cpu"]', "render.devices", "which a Ray cluster chooses"),
    ],
)
def test_load__bad_value__named_with_key_and_fix(tmp_path: Path, section: str, line: str, key: str, words: str) -> None:
    found = faults(tmp_path, with_key(section, line))
    assert set(found) == {key}
    assert words in found[key]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (ORACLE.lower(), "has no checksum"),
        (ORACLE[:-1] + "9", "wrong checksum"),
        ("0x" + "0" * 40, "zero address"),
        ("0x" + "ab" * 32, "is no address (66 characters)"),
    ],
)
def test_load__bad_oracle_address__says_what_is_wrong(tmp_path: Path, address: str, words: str) -> None:
    found = faults(tmp_path, LEAST.replace(ORACLE, address))
    assert words in found["chain.oracle"]


def test_load__private_key_pasted_as_address__not_echoed(tmp_path: Path) -> None:
    key = "0x" + "ab" * 32
    assert key not in str(faults(tmp_path, LEAST.replace(ORACLE, key)))


@pytest.mark.parametrize(
    ("broker", "key", "words"),
    [
        ('url = "mqtt://me:hunter22@b:1"', "url", "username and password_file"),
        ('url = "mqtt://b:1/topic"', "url", "more than host and port"),
        ('url = "mqtt://b:1"\nca = "x"', "url", "no TLS"),
        ('url = "mqtts://b"\ncert = "x"', "key", "name both or neither"),
        ('url = "mqtts://b"\nkey = "x"', "cert", "name both or neither"),
        ('url = "mqtts://b"\npassword_file = "x"', "username", "add the user's name"),
        ('url = "mqtts://b:99999"', "url", "cannot be parsed"),
        ('url = "mqtts://b"\npassword = "hunter22"', "password", "did you mean password_file?"),
    ],
)
def test_load__bad_broker__named_with_key_and_fix_without_its_secret(
    tmp_path: Path, broker: str, key: str, words: str
) -> None:
    found = faults(tmp_path, LEAST.replace('url = "mqtt://127.0.0.1:1883"', broker))
    assert set(found) == {f"gossip.brokers[1].{key}"}
    assert words in next(iter(found.values()))
    assert "hunter22" not in str(found)


def test_load__same_broker_twice__refused(tmp_path: Path) -> None:
    found = faults(tmp_path, LEAST + '[[gossip.brokers]]\nurl = "mqtt://127.0.0.1:1883"')
    assert set(found) == {"gossip.brokers[2].url"}


@pytest.mark.parametrize("text", ["", "chain = 3\ngossip = 4", "[gossip]\nbrokers = 3", "[gossip]\nbrokers = []"])
def test_load__sections_missing_or_of_the_wrong_kind__faults_not_a_crash(tmp_path: Path, text: str) -> None:
    assert faults(tmp_path, text)


def test_load__not_toml__names_line(tmp_path: Path) -> None:
    found = faults(tmp_path, "[chain]\nid = \n")
    assert "line 2" in found["config.toml"]


@pytest.mark.parametrize("text", ["a = " + "[" * 50_000, "a = " + "9" * 5_000, "a" * 5_000, "\x00", "[a.b.c]\n" * 2])
def test_load__text_made_to_break_the_parser__refused(tmp_path: Path, text: str) -> None:
    assert faults(tmp_path, text)


def test_load__path_too_long_to_look_at__refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(with_key("chain", f'endpoints_file = "{"x" * 5_000}"'))
    with pytest.raises(FaultyConfigError, match=r"chain\.endpoints_file: there is no file"):
        load(path, environ={})


KEYS = ["chain", "gossip", "feeds", "brokers", "url", "id", "oracle", "endpoints", "finality", "serve", "web", "port",
        "node", "directory", "transmit", "max_fee_gwei", "log", "level", "keys", "signing_keystore"]  # fmt: skip
VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec="utf-8"))
    | st.sampled_from(["all", "mqtt://["]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)


def inline(value: object) -> str:
    """A value in TOML, tables inline."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {inline(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(inline, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return {"inf": "inf", "-inf": "-inf", "nan": "nan"}[str(value)]
    return toml_value(value)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
@settings(max_examples=100, deadline=None)
def test_load__any_toml_at_all__a_configuration_or_its_faults_and_no_crash(
    tmp_path_factory: pytest.TempPathFactory, tables: dict[str, object]
) -> None:
    text = "".join(f"{name} = {inline(table)}\n" for name, table in tables.items())
    with contextlib.suppress(FaultyConfigError):
        read(tmp_path_factory.getbasetemp(), text)


def test_load__no_file__says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(FaultyConfigError, match="patina init"):
        load(tmp_path / "none.toml")


def test_load__not_utf8__refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FaultyConfigError, match="UTF-8"):
        load(path)


def test_load__files_missing__each_named(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    more = "username = 'u'\npassword_file = 'p'\nca = 'ca.pem'\n"
    path.write_text(LEAST.replace("mqtt://", "mqtts://") + more)
    with pytest.raises(FaultyConfigError) as caught:
        load(path, environ={})
    assert {fault.key for fault in caught.value.faults} == {
        "keys.signing_keystore",
        "keys.transport_key",
        "gossip.brokers[1].ca",
        "gossip.brokers[1].password_file",
    }
    assert "patina keys new" in str(caught.value)


def test_load__secret_files_open_to_others__each_refused_with_command(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    names = ["keys/signing.json", "keys/transport.pem", "p", "cert", "key"]
    (tmp_path / "keys").mkdir()
    for name in names:
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o644)
    more = "username = 'u'\npassword_file = 'p'\ncert = 'cert'\nkey = 'key'\n"
    path.write_text(LEAST.replace("mqtt://", "mqtts://") + more)
    with pytest.raises(FaultyConfigError) as caught:
        load(path, environ={})
    assert {fault.key: fault.fix for fault in caught.value.faults} == {
        "keys.signing_keystore": f"run: chmod 600 {tmp_path}/keys/signing.json",
        "keys.transport_key": f"run: chmod 600 {tmp_path}/keys/transport.pem",
        "gossip.brokers[1].password_file": f"run: chmod 600 {tmp_path}/p",
        "gossip.brokers[1].key": f"run: chmod 600 {tmp_path}/key",
    }


def test_load__endpoints_file__lines_join_the_list(tmp_path: Path) -> None:
    (tmp_path / "rpc").write_text("# ours\nhttp://127.0.0.1:8545\n\nhttps://b.example/v2/abcdefabcdefabcdef\n")
    (tmp_path / "rpc").chmod(0o600)
    config = read(tmp_path, with_key("chain", 'endpoints_file = "rpc"'))
    assert [url.reveal() for url in config.chain.endpoints] == [
        "http://127.0.0.1:8545",
        "https://b.example/v2/abcdefabcdefabcdef",
    ]


def test_load__websockets_among_the_endpoints__wake_and_are_asked_nothing(tmp_path: Path) -> None:
    (tmp_path / "rpc").write_text("wss://a.example/v2/abcdefabcdefabcdef\nhttps://b.example\n")
    (tmp_path / "rpc").chmod(0o600)
    config = read(tmp_path, with_key("chain", 'endpoints_file = "rpc"\nwebsockets = ["ws://c.example"]'))
    assert [url.reveal() for url in config.chain.endpoints] == ["http://127.0.0.1:8545", "https://b.example"]
    assert [url.reveal() for url in config.chain.websockets] == [
        "ws://c.example",
        "wss://a.example/v2/abcdefabcdefabcdef",
    ]
    config = read(tmp_path, LEAST, PATINA_ENDPOINTS="http://a:1 ws://b:2 http://a:1")
    # The same one twice would be its own witness.
    assert [url.reveal() for url in config.chain.endpoints] == ["http://a:1"]
    assert [url.reveal() for url in config.chain.websockets] == ["ws://b:2"]
    assert "chain.endpoints" in faults(tmp_path, LEAST, PATINA_ENDPOINTS="ws://b:2")


def test_load__bad_line_in_endpoints_file__line_named(tmp_path: Path) -> None:
    (tmp_path / "rpc").write_text("\nhttps://good.example\nipc://bad/abcdefabcdefabcdef\n")
    (tmp_path / "rpc").chmod(0o600)
    found = faults(tmp_path, with_key("chain", 'endpoints_file = "rpc"'))
    assert set(found) == {"chain.endpoints_file line 3"}
    assert "abcdefabcdef" not in str(found)


def test_load__endpoints_file_readable_by_all__refused_with_command(tmp_path: Path) -> None:
    (tmp_path / "rpc").write_text("https://good.example\n")
    (tmp_path / "rpc").chmod(0o644)
    found = faults(tmp_path, with_key("chain", 'endpoints_file = "rpc"'))
    assert "chmod 600" in found["chain.endpoints_file"]


def test_load__endpoints_in_environment__replace_the_files(tmp_path: Path) -> None:
    config = read(tmp_path, LEAST, PATINA_ENDPOINTS="http://a:1 http://b:2")
    assert [url.reveal() for url in config.chain.endpoints] == ["http://a:1", "http://b:2"]
    assert "PATINA_ENDPOINTS" in faults(tmp_path, LEAST, PATINA_ENDPOINTS="gopher://a")


def test_load__no_endpoint_at_all__refused(tmp_path: Path) -> None:
    found = faults(tmp_path, LEAST.replace('endpoints = ["http://127.0.0.1:8545"]', ""))
    assert set(found) == {"chain.endpoints"}


def test_config__repr__hides_url_keys(tmp_path: Path) -> None:
    config = read(tmp_path, LEAST.replace("127.0.0.1:8545", "rpc.example/v2/abcdefabcdef0123"))
    assert "abcdefabcdef0123" not in repr(config)
    assert "rpc.example" in repr(config)
