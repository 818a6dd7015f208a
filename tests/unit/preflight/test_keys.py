"""Keys: opened with the password that the node would use, and in use by nobody else."""

from __future__ import annotations

from pathlib import Path

from node.config import load
from node.journal import Journal
from node.journal.safety.lock import KeyLock
from node.keys.signing import EthKeystore
from tests.unit.preflight.conftest import PASSWORD, Look, verdicts


async def test_check__good_keys__open_and_are_shown(look: Look, folder: Path) -> None:
    found = await look("keys")
    address = EthKeystore(folder / "keys" / "signing.json").address
    assert found["keys.signing"].detail == address
    assert verdicts(found) == {
        "keys.signing": "ok", "keys.transport": "ok", "keys.use": "ok", "keys.registered": "not checked",
    }  # fmt: skip
    assert PASSWORD not in str(found)


async def test_check__wrong_password_in_the_environment__both_at_fault(look: Look) -> None:
    environ = {"PATINA_SIGNING_PASSWORD": "planted-wrong-1", "PATINA_TRANSPORT_PASSWORD": "planted-wrong-2"}
    found = await look("keys", environ=environ)
    assert (found["keys.signing"].verdict, found["keys.transport"].verdict) == ("fault", "fault")
    assert "password is wrong" in found["keys.signing"].detail
    assert "planted-wrong" not in str(found)


async def test_check__keystore_open_to_others__not_opened_and_the_address_is_known(look: Look, folder: Path) -> None:
    (folder / "keys" / "signing.json").chmod(0o644)
    found = await look("keys")
    assert found["keys.signing"].verdict == "not checked"
    assert found["keys.use"].verdict == "ok"  # which takes the address


async def test_check__no_password_kept__not_checked_unless_somebody_is_asked(look: Look, folder: Path) -> None:
    config = folder / "config.toml"
    lines = [line for line in config.read_text().splitlines() if "password_file =" not in line]
    config.write_text("\n".join(lines))
    found = await look("keys")
    assert found["keys.signing"].verdict == "not checked"
    assert EthKeystore(folder / "keys" / "signing.json").address in found["keys.signing"].detail


async def test_check__keys_gone__at_fault_with_the_way_to_make_them(look: Look, folder: Path) -> None:
    for name in ("signing.json", "transport.pem"):
        (folder / "keys" / name).unlink()
    found = await look("keys")
    assert found["keys.signing"].verdict == "fault"
    assert "patina keys new" in found["keys.transport"].remedy
    assert found["keys.use"].verdict == "not checked"


async def test_check__key_in_use__own_node_is_no_fault_and_another_folder_is(
    look: Look, folder: Path, tmp_path: Path
) -> None:
    config = load(folder / "config.toml", environ={})
    address = EthKeystore(config.keys.signing_keystore).address
    with KeyLock(address, config.node.directory):
        assert (await look("keys"))["keys.use"].verdict == "ok"
    with KeyLock(address, tmp_path / "copy"):
        found = (await look("keys"))["keys.use"]
        assert found.verdict == "fault"
        assert str(tmp_path / "copy") in found.detail
    assert (await look("keys"))["keys.use"].verdict == "ok"


async def test_check__own_node_started_by_another_path__no_fault(look: Look, folder: Path, tmp_path: Path) -> None:
    config = load(folder / "config.toml", environ={})
    (tmp_path / "link").symlink_to(folder)
    address = EthKeystore(config.keys.signing_keystore).address
    with Journal(config.node.directory), KeyLock(address, tmp_path / "link" / "state"):
        found = (await look("keys"))["keys.use"]
    assert found.verdict == "ok"
    assert "runs here" in found.detail
