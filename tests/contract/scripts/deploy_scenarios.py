"""Runs in ape's environment: deploys in ways that a command line cannot, and prints what came of it as JSON.

Usage: python deploy_scenarios.py COMMITTEE_FILE OUTPUT_FOLDER, in the contracts' folder.
"""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ape import accounts, networks
from ape.exceptions import ApeException

DEPLOYER = 0


def load() -> Any:
    """The deployment script as a module."""
    spec = importlib.util.spec_from_file_location("deploy", Path("scripts/deploy.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["deploy"] = module
    spec.loader.exec_module(module)
    return module


class CutError(Exception):
    """Stands for the process's death."""


def main(committee_file: Path, folder: Path) -> dict[str, Any]:
    script = load()
    account, stranger = accounts.test_accounts[DEPLOYER], accounts.test_accounts[1]
    committee = script.Committee.load(committee_file)
    collection = script.Collection("Weather", "WTHR", 20, "")

    def deploy(path: Path, **changes: Any) -> Any:
        asked = {"account": account, "committee": committee, "collection": collection} | changes
        return script.deploy(path, asked["account"], asked["committee"], asked["collection"])

    def refusal(path: Path, **changes: Any) -> str:
        before = path.read_text(encoding="utf-8")
        nonces = account.nonce, stranger.nonce
        try:
            deploy(path, **changes)
        except script.DeploymentError as error:
            assert path.read_text(encoding="utf-8") == before
            assert (account.nonce, stranger.nonce) == nonces
            return str(error.message)
        return "nothing was refused"

    outcome: dict[str, Any] = {"cuts": {}}
    whole = folder / "whole.json"
    outcome["sent"] = [deploy(whole).sent, deploy(whole).sent]
    record = json.loads(whole.read_text(encoding="utf-8"))
    outcome["record"] = record

    save = script.Deployment.save
    for cut in range(1, 6):
        path = folder / f"cut-{cut}.json"
        nonce, calls = account.nonce, 0

        def dying(self: Any, cut: int = cut) -> None:
            nonlocal calls
            calls += 1
            if calls == cut:
                raise CutError
            save(self)

        script.Deployment.save = dying
        try:
            deploy(path)
        except CutError:
            died = True
        else:
            died = False
        script.Deployment.save = save
        deploy(path)
        told = json.loads(path.read_text(encoding="utf-8"))
        outcome["cuts"][cut] = {
            "died": died,
            "transactions": account.nonce - nonce,
            "complete": sorted(told) == sorted(record) and "block" in told["oracle"] and "block" in told["collection"],
            "blocks": [told["oracle"]["block"] - nonce, told["collection"]["block"] - nonce],
        }

    def edited(name: str, **changes: Any) -> Path:
        path = folder / f"{name}.json"
        path.write_text(json.dumps(record | changes), encoding="utf-8")
        return path

    elsewhere = record["oracle"] | {"address": stranger.address}
    swapped = record["oracle"] | {"address": record["collection"]["address"]}
    outcome["refusals"] = {
        "committee": refusal(whole, committee=replace(committee, signers=committee.signers[::-1])),
        "arguments": refusal(whole, collection=replace(collection, reveal_delay=21)),
        "deployer": refusal(whole, account=stranger),
        "chain": refusal(edited("chain", chain_id=1)),
        "absent": refusal(edited("absent", oracle=elsewhere)),
        "swapped": refusal(edited("swapped", oracle=swapped)),
    }
    garbage = folder / "garbage.json"
    garbage.write_text("{", encoding="utf-8")
    outcome["refusals"]["garbage"] = refusal(garbage)

    signers, keys = [account.address, stranger.address], ["0x" + "11" * 32, "0x" + "22" * 32]
    documents = {
        "text": "[1, 2]",
        "keys": json.dumps({"signers": signers}),
        "address": json.dumps({"signers": ["0x12"], "transport_keys": keys[:1]}),
        "empty": json.dumps({"signers": [], "transport_keys": []}),
        "many": json.dumps({"signers": signers * 16, "transport_keys": keys * 16}),
        "twice": json.dumps({"signers": signers, "transport_keys": [keys[0], keys[0]]}),
        "short": json.dumps({"signers": signers, "transport_keys": [keys[0], "0x22"]}),
    }
    outcome["committees"] = {"missing": complaint(script, folder / "missing.json")}
    for name, document in documents.items():
        file = folder / f"committee-{name}.json"
        file.write_text(document, encoding="utf-8")
        outcome["committees"][name] = complaint(script, file)
    return outcome


def complaint(script: Any, path: Path) -> str:
    """What the script says of a committee's file."""
    try:
        script.Committee.load(path)
    except script.DeploymentError as error:
        return str(error.message)
    return "nothing was refused"


if __name__ == "__main__":
    try:
        with networks.ethereum.local.use_provider("test"):
            print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
    except ApeException as error:
        sys.exit(f"{type(error).__name__}: {error}")
