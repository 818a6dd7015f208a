"""Runs in ape's environment: deploys in ways that a command line cannot, and prints what came of it as JSON.

Usage: python deploy_scenarios.py COMMITTEE_FILE OUTPUT_FOLDER, in the contracts' folder.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path.cwd()))

from ape import accounts, networks, project
from ape.exceptions import ApeException
from deployment import rules, steps
from deployment.committee import Committee
from deployment.errors import DeploymentError

DEPLOYER = 0
TREASURY = 10**17


class CutError(Exception):
    """Stands for the process's death."""


def main(committee_file: Path, folder: Path) -> dict[str, Any]:
    account, stranger = accounts.test_accounts[DEPLOYER], accounts.test_accounts[1]
    committee = Committee.load(committee_file)
    staking = rules.Staking(params=rules.rules(None, ()), guardian=str(account.address), treasury=TREASURY)
    collection = steps.Collection("Weather", "WTHR", 20, "")

    def deploy(path: Path, seats: Any, **changes: Any) -> Any:
        asked = {"account": account, "collection": collection} | changes
        return steps.deploy(path, asked["account"], seats, asked["collection"])

    def refusal(path: Path, seats: Any, **changes: Any) -> str:
        before = path.read_text(encoding="utf-8")
        nonces = account.nonce, stranger.nonce
        try:
            deploy(path, seats, **changes)
        except DeploymentError as error:
            assert path.read_text(encoding="utf-8") == before
            assert (account.nonce, stranger.nonce) == nonces
            return str(error.message)
        return "nothing was refused"

    outcome: dict[str, Any] = {"sent": {}, "records": {}, "cuts": {}}
    wholes: dict[str, tuple[Path, Any, dict[str, Any]]] = {}
    for kind, seats in (("committee", committee), ("staking", staking)):
        whole = folder / f"{kind}.json"
        outcome["sent"][kind] = [deploy(whole, seats).sent, deploy(whole, seats).sent]
        record = json.loads(whole.read_text(encoding="utf-8"))
        outcome["records"][kind] = record
        again = cuts(folder, kind, record, account, lambda path, seats=seats: deploy(path, seats))
        outcome["cuts"][kind] = again
        wholes[kind] = whole, seats, record

    path, _, record = wholes["staking"]
    oracle = project.StrategyOracle.at(record["contracts"]["oracle"]["address"])
    contract = project.NodeStaking.at(record["contracts"]["staking"]["address"])
    outcome["staking"] = {"obeyed": oracle.staking(), "treasury": contract.treasury(), "guardian": contract.guardian()}

    outcome["codes"] = {
        name: bytes(networks.provider.get_code(entry["address"])).hex() for name, entry in record["contracts"].items()
    }
    existing = record["contracts"]["stake_token"]
    other = folder / "existing.json"
    seats = replace(staking, token=existing["address"], treasury=0)
    outcome["sent"]["existing"] = [deploy(other, seats).sent, deploy(other, seats).sent]
    outcome["records"]["existing"] = json.loads(other.read_text(encoding="utf-8"))

    def edited(name: str, kind: str, **changes: Any) -> Path:
        _, _, record = wholes[kind]
        edited = json.loads(json.dumps(record))
        for key, value in changes.items():
            entries = edited["contracts"] if key in edited["contracts"] else edited
            entries[key] = value
            if value is None:
                del entries[key]
        target = folder / f"{name}.json"
        target.write_text(json.dumps(edited), encoding="utf-8")
        return target

    whole, _, record = wholes["committee"]
    entries = record["contracts"]
    garbage = folder / "garbage.json"
    garbage.write_text("{", encoding="utf-8")
    outcome["refusals"] = {
        "committee": refusal(whole, replace(committee, signers=committee.signers[::-1])),
        "arguments": refusal(whole, committee, collection=replace(collection, reveal_delay=21)),
        "deployer": refusal(whole, committee, account=stranger),
        "chain": refusal(edited("chain", "committee", chain_id=1), committee),
        "genesis": refusal(edited("genesis", "committee", genesis_hash="0x" + "00" * 32), committee),
        "absent": refusal(
            edited("absent", "committee", oracle=entries["oracle"] | {"address": str(stranger.address)}), committee
        ),
        "swapped": refusal(
            edited("swapped", "committee", oracle=entries["oracle"] | {"address": entries["collection"]["address"]}),
            committee,
        ),
        "garbage": refusal(garbage, committee),
        "staked": refusal(whole, staking),
        "unstaked": refusal(path, committee),
        "rules": refusal(path, replace(staking, params={**staking.params, "seats": 30})),
        "guardian": refusal(path, replace(staking, guardian=str(stranger.address))),
        "token": refusal(path, replace(staking, token=entries["oracle"]["address"])),
        "no token": refusal(other, replace(staking, treasury=0)),
        "nothing": refusal(other, replace(staking, token=str(stranger.address), treasury=0)),
        "treasury": refusal(path, replace(staking, treasury=TREASURY + 1)),
        "obeyed": refusal(edited("obeyed", "staking", staking=None), staking),
    }
    outcome["committees"] = bad_committees(folder, [str(account.address), str(stranger.address)])
    outcome["rules"] = bad_rules(folder)
    return outcome


def cuts(
    folder: Path, kind: str, record: dict[str, Any], account: Any, deploy: Callable[[Path], Any]
) -> dict[str, Any]:
    """Ends one deployment again and again, once at each moment that leaves file or chain different, and finishes it.

    Those are: before each write, and before and after each transaction. Every run picks up what the last one left.
    """
    save, send = steps.Deployment.save, steps.Deployment.send
    path, first = folder / f"{kind}-cut.json", account.nonce
    died: set[tuple[str, str]] = set()

    def die_once(moment: str, state: str) -> None:
        if (moment, state) not in died:
            died.add((moment, state))
            raise CutError

    def dying_save(self: Any) -> None:
        die_once("write", json.dumps(self.fields, sort_keys=True))
        save(self)

    def dying_send(self: Any, transaction: Any) -> Any:
        die_once("before", str(account.nonce))
        done = send(self, transaction)
        die_once("after", str(account.nonce))
        return done

    steps.Deployment.save, steps.Deployment.send = dying_save, dying_send
    try:
        while True:
            try:
                deploy(path)
            except CutError:
                continue
            break
    finally:
        steps.Deployment.save, steps.Deployment.send = save, send
    told = json.loads(path.read_text(encoding="utf-8"))
    contracts = told["contracts"]
    return {
        "deaths": sorted(moment for moment, _ in died),
        "transactions": account.nonce - first,
        "same fields": sorted(told) == sorted(record)
        and all(sorted(contracts[name]) == sorted(entry) for name, entry in record["contracts"].items()),
        "complete": told["complete"],
        "blocks": [contracts[name]["block"] - first for name in sorted(contracts)],
    }


def complaint(attempt: Callable[[], Any]) -> str:
    """What is said of something that cannot be used."""
    try:
        attempt()
    except DeploymentError as error:
        return str(error.message)
    return "nothing was refused"


def bad_committees(folder: Path, signers: list[str]) -> dict[str, str]:
    keys = ["0x" + "11" * 32, "0x" + "22" * 32]
    documents = {
        "text": "[1, 2]",
        "keys": json.dumps({"signers": signers}),
        "address": json.dumps({"signers": ["0x12"], "transport_keys": keys[:1]}),
        "empty": json.dumps({"signers": [], "transport_keys": []}),
        "many": json.dumps({"signers": signers * 16, "transport_keys": keys * 16}),
        "twice": json.dumps({"signers": signers, "transport_keys": [keys[0], keys[0]]}),
        "short": json.dumps({"signers": signers, "transport_keys": [keys[0], "0x22"]}),
    }
    found = {"missing": complaint(lambda: Committee.load(folder / "missing.json"))}
    for name, document in documents.items():
        file = folder / f"committee-{name}.json"
        file.write_text(document, encoding="utf-8")
        found[name] = complaint(lambda file=file: Committee.load(file))
    return found


def bad_rules(folder: Path) -> dict[str, Any]:
    file = folder / "rules.json"
    file.write_text(json.dumps({"seats": 7, "minimum": "5_000"}), encoding="utf-8")
    chosen = rules.rules(file, ("seats=9", "era=3600"))
    found: dict[str, Any] = {name: chosen[name] for name in ("seats", "minimum", "era", "strikes")}
    found["order"] = list(chosen) == [item.name for item in _params()]
    for name, text in {"json": "{", "list": "[]", "unknown": '{"seat": 1}', "float": '{"seats": 1.5}'}.items():
        file.write_text(text, encoding="utf-8")
        found[name] = complaint(lambda: rules.rules(file, ()))
    found["missing"] = complaint(lambda: rules.rules(folder / "missing.json", ()))
    found["single"] = complaint(lambda: rules.rules(None, ("seats",)))
    found["address"] = complaint(lambda: rules.address("--guardian", "0x12", rules.NOBODY))
    return found


def _params() -> Any:
    inputs = project.NodeStaking.contract_type.constructor.inputs
    return next(item for item in inputs if item.name == "params").components


if __name__ == "__main__":
    try:
        with networks.ethereum.local.use_provider("test"):
            print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
    except ApeException as error:
        sys.exit(f"{type(error).__name__}: {error}")
