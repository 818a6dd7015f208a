# pragma version 0.4.3
# pragma evm-version prague
# SPDX-License-Identifier: Apache-2.0
"""
@title A guard in front of a vault: deposits go through only while the vault's feed is fresh and in a good band
@license Apache-2.0
@notice Two ways to hear of a feed, and what each is good for. What must hold at the moment of a deposit is read at that
        moment (`healthy`). The callback is a latch on top: one report below the floor closes the door until the owner
        has looked, even if the feed recovers before anybody asks. A callback can be missed, so nothing rests on it alone.
"""


# -- docs: interfaces
struct Latest:
    answer: int256
    checkpoint: uint64
    updated_at: uint64
    updated_block: uint64
    band: uint8


interface Oracle:
    def latest(feed_id: uint256) -> Latest: view


# -- docs: end
interface Token:
    def transferFrom(sender: address, receiver: address, amount: uint256) -> bool: nonpayable
    def approve(spender: address, amount: uint256) -> bool: nonpayable


interface Vault:
    def asset() -> address: view
    def deposit(assets: uint256, receiver: address) -> uint256: nonpayable


event Tripped:
    checkpoint: indexed(uint64)
    band: uint8
    answer: int256


event Reset:
    pass


ORACLE: public(immutable(address))
FEED: public(immutable(uint256))
VAULT: public(immutable(address))
ASSET: public(immutable(address))
OWNER: public(immutable(address))
# The lowest band that is good enough.
FLOOR: public(immutable(uint8))
# Seconds after which a report is too old: the feed's heartbeat in seconds, and an hour for a slow chain.
MAX_AGE: public(immutable(uint256))


tripped: public(bool)


@deploy
def __init__(oracle: address, feed: uint256, vault: address, lowest: uint8, max_age: uint256):
    """
    @param oracle The StrategyOracle.
    @param feed The feed that watches the vault.
    @param vault The ERC-4626 vault.
    @param lowest The lowest band in which deposits are let through.
    @param max_age Seconds after which the newest report is too old to go by.
    """
    ORACLE = oracle
    FEED = feed
    VAULT = vault
    ASSET = staticcall Vault(vault).asset()
    OWNER = msg.sender
    FLOOR = lowest
    MAX_AGE = max_age


@external
@nonreentrant
def deposit(assets: uint256, receiver: address) -> uint256:
    """
    @notice Deposits into the vault, if that is well.
    @param assets How much of the vault's asset; this contract must have been allowed to take it.
    @param receiver Who gets the shares.
    @return uint256 How many shares.
    """
    assert self._healthy(), "guard: closed"
    assert extcall Token(ASSET).transferFrom(msg.sender, self, assets, default_return_value=True), "guard: no payment"
    assert extcall Token(ASSET).approve(VAULT, assets, default_return_value=True), "guard: no approval"
    return extcall Vault(VAULT).deposit(assets, receiver)


# -- docs: callback
@external
def on_report(feed: uint256, checkpoint: uint64, previous_band: uint8, band: uint8, answer: int256, content_root: bytes32):
    """
    @notice Hears of a report; the oracle calls it with 100,000 gas, and goes on whatever happens here.
    """
    assert msg.sender == ORACLE, "guard: not the oracle"
    assert feed == FEED, "guard: another feed"
    if band < FLOOR and not self.tripped:
        self.tripped = True
        log Tripped(checkpoint=checkpoint, band=band, answer=answer)


# -- docs: end
@external
def reset():
    """
    @notice Opens the door again after a bad report; the owner only, and only while the feed is in a good band.
    """
    assert msg.sender == OWNER, "guard: not the owner"
    assert self._fresh_and_good(), "guard: not well yet"
    self.tripped = False
    log Reset()


@external
@view
def healthy() -> bool:
    """
    @notice Whether a deposit would be let through now.
    @return bool Whether the feed is fresh and good, and no bad report waits to be looked at.
    """
    return self._healthy()


@internal
@view
def _healthy() -> bool:
    return not self.tripped and self._fresh_and_good()


# -- docs: read
@internal
@view
def _fresh_and_good() -> bool:
    """
    @dev A checkpoint of 0 means that nothing was reported yet: then the band is only the one it was opened in.
    """
    latest: Latest = staticcall Oracle(ORACLE).latest(FEED)
    if latest.checkpoint == 0:
        return False
    age: uint256 = block.timestamp - convert(latest.updated_at, uint256)
    return age <= MAX_AGE and latest.band >= FLOOR
# -- docs: end
