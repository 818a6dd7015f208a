"""Puts staking on a development chain: a token with a faucet, the contract, nodes that register and bond."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Final

from node.staking.possession import prove_possession
from node.staking.types import Params

if TYPE_CHECKING:
    from node.devnet.account import Account, Contract
    from node.keys.signing import Signer

UNIT: Final = 10**18
"""A whole unit of the stake's token."""
GWEI: Final = 10**9
RULES: Final = Params(
    minimum=1_000 * UNIT,
    seats=4,
    era=2 * 3_600,
    delay=14 * 86_400,
    reporter_share=500,
    observer_fee=20_000 * GWEI,
    signer_fee=20_000 * GWEI,
    price_cap=50 * GWEI,
    premium=1_000,
    attendance=2_500,
    least_reports=8,
    strikes=3,
    least_seats=1,
)
"""A development chain's rules: those of a testnet, but for short eras, and few seats, so that there is a queue."""
TOKEN: Final = ("Patina test stake", "tPTN", 18)


@dataclass(frozen=True, slots=True)
class Stake:
    """The stake's token, and the staking contract that the oracle obeys."""

    token: Contract
    staking: Contract


async def deploy_staking(account: Account, oracle: Contract, rules: Params = RULES) -> Stake:
    """Deploy token and staking contract and let the oracle obey it; ``account``, its owner, may freeze bonds."""
    from node.chain.types import NOBODY

    token = await account.deploy("TestToken", *TOKEN)
    staking = await account.deploy(
        "NodeStaking", oracle.address, token.address, astuple(rules), account.address, NOBODY
    )
    await account.send(oracle, "set_staking", staking.address)
    return Stake(token, staking)


async def enrol(operator: Account, stake: Stake, signer: Signer, transport_key: bytes, bond: int) -> int:
    """Register a node for its operator and bond token units that the operator has; the node's id."""
    chain_id = await operator.web3.eth.chain_id
    proof = prove_possession(signer, chain_id, stake.staking.address, operator.address, transport_key)
    await operator.send(stake.staking, "register", signer.address, transport_key, operator.address, proof)
    await operator.send(stake.token, "approve", stake.staking.address, bond)
    await operator.send(stake.staking, "bond", bond)
    return int(await operator.read(stake.staking, "node_of", operator.address))


async def rotate(account: Account, stake: Stake) -> None:
    """Install the committee that the bonds make, where nothing is left to settle."""
    await account.send(stake.staking, "rotate", [])
