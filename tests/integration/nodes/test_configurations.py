"""Terms against the real oracle: what it says and logs when its owner or a staking contract changes the committee."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_hash.auto import keccak

from node.agreement.committee import Committee
from node.chain.client import Chain
from node.chain.configurations import OVERLAP
from node.chain.endpoints.pool import RpcPool
from node.devnet import deploy
from node.devnet.account import Account, connect
from node.devnet.genesis import dev_account
from node.devnet.rpc.server import serve_chain
from node.durations import ROUND_S, Durations
from node.journal import Journal
from node.keys.signing import LocalSigner
from node.keys.transport import public_bytes
from node.term.term import Term
from node.term.terms import Terms

SIGNERS = [LocalSigner(keccak(b"signer %d" % index)).address for index in range(5)]
KEYS = [public_bytes(Ed25519PrivateKey.from_private_bytes(keccak(b"key %d" % index))) for index in range(5)]


def opening(seated: Committee, index: int) -> Term:
    idle: Any = SimpleNamespace(previous=False, retired=False, counters=Counter(), status=list)
    idle.happened, idle.took, idle.links, idle.by_broker = Counter(), Durations(ROUND_S), [], []
    return Term(seated, index, idle, idle, idle, idle, idle)


async def test_look__owner_then_staking_then_nobody_then_staking_again__each_is_seen_as_it_stands(
    tmp_path: Path,
) -> None:
    async with serve_chain() as server:
        web3, pool = connect(server.url), RpcPool([server.url])
        account = Account(web3, dev_account(server.chain.settings.seed, 0))
        try:
            with Journal(tmp_path) as journal:
                oracle = await deploy.deploy_oracle(account, SIGNERS[:4], KEYS[:4])
                chain = Chain(pool, oracle.address)
                terms = Terms(chain, journal, await chain.chain_id(), SIGNERS[0], opening)

                async def look() -> int:
                    """Make the head final and look there; the block before it changed something."""
                    head = await chain.head()
                    await account.mine(3)
                    await terms.look(await chain.finalized())
                    return head.number

                def under_way() -> list[tuple[int, bool]]:
                    return [(term.index, term.in_force) for term in terms.all]

                await look()
                assert under_way() == [(0, True)]

                await account.send(oracle, "set_staking", account.address)
                await account.send(oracle, "install", [SIGNERS[4], *SIGNERS[:3]], [KEYS[4], *KEYS[:3]])
                changed = await look()
                assert under_way() == [(1, True), (0, False)]
                second = await chain.config_digest()
                assert journal.configurations.at(changed) == second
                assert journal.configurations.at(changed - 1) == terms.all[1].config

                await account.rpc("evm_increaseTime", OVERLAP)
                await look()
                assert under_way() == [(1, True)]

                # Gone and back again between two looks: it has another number, and nobody reports in between.
                await account.send(oracle, "install", [], [])
                gone = (await chain.head()).number
                await account.send(oracle, "install", [SIGNERS[4], *SIGNERS[:3]], [KEYS[4], *KEYS[:3]])
                back = await look()
                assert under_way() == [(1, True)]
                assert journal.configurations.at(gone) == bytes(32)
                assert journal.configurations.at(back) == second

                await account.send(oracle, "install", [], [])
                await look()
                assert under_way() == []
                assert "no committee at present" in str(terms.standby)

                # Two after nobody, and a seat in the second alone: the first has no term to go on with.
                await account.send(oracle, "install", SIGNERS[1:], KEYS[1:])
                await account.send(oracle, "install", SIGNERS[:4], KEYS[:4])
                await look()
                assert under_way() == [(0, True)]
                assert terms.standby is None
        finally:
            await web3.provider.disconnect()
            await pool.aclose()
