# pragma version 0.4.3
# pragma evm-version prague
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title A subscriber that tells what it was told, or misbehaves in the way a test chooses
@license AGPL-3.0-only
"""


interface Oracle:
    def band(feed_id: uint256) -> uint8: view


# Any other mode obeys.
REVERT: constant(uint256) = 1
BURN: constant(uint256) = 2
REENTER: constant(uint256) = 3
# Reads the oracle while it calls back, and checks that the state is settled.
READ: constant(uint256) = 4


event Heard:
    caller: address
    feed: uint256
    checkpoint: uint64
    previous_band: uint8
    band: uint8
    answer: int256
    content_root: bytes32
    gas: uint256


mode: public(uint256)
reentry: Bytes[4096]
reentered: public(bool)


@external
def behave(mode: uint256, reentry: Bytes[4096] = b""):
    """
    @param mode What to do from now on.
    @param reentry The calldata to call the oracle back with.
    """
    self.mode = mode
    self.reentry = reentry


@external
@payable
def on_report(feed: uint256, checkpoint: uint64, previous_band: uint8, band: uint8, answer: int256, content_root: bytes32):
    """
    @param feed The feed.
    @param checkpoint The checkpoint.
    @param previous_band The band before.
    @param band The band now.
    @param answer The answer.
    @param content_root The root.
    """
    given: uint256 = msg.gas
    mode: uint256 = self.mode
    if mode == REVERT:
        raise "subscriber: no"
    if mode == BURN:
        for _: uint256 in range(2**63):
            pass
    if mode == REENTER:
        # Whatever the oracle answers is passed on, so that a refusal fails this callback.
        raw_call(msg.sender, self.reentry)
        self.reentered = True
    if mode == READ:
        assert staticcall Oracle(msg.sender).band(feed) == band, "subscriber: not settled"
    log Heard(
        caller=msg.sender,
        feed=feed,
        checkpoint=checkpoint,
        previous_band=previous_band,
        band=band,
        answer=answer,
        content_root=content_root,
        gas=given,
    )
