# SPDX-License-Identifier: AGPL-3.0-only
#pragma version 0.4.3
#pragma evm-version prague
"""
@title Edition seeds
@license AGPL-3.0-only
@notice Commits to, draws and reveals the seed of an edition so that nobody chooses it.
@dev seed = keccak256(secret ++ prevrandao). The artist commits to the secret before the first sale; `prevrandao` is that of exactly one
     block, named when the sale closes and still ahead of it then. So a buyer cannot know a seed when minting, the artist
     cannot try secrets, a proposer does not know the secret, and a call that is made again gives the same seed.
     What is left: a proposer who is also the artist can forgo the reveal block to have the next one's value instead
     (one bit of influence, EIP-4399), and an artist who dislikes the seed can keep the secret, which
     leaves the edition with its placeholder for good.
     A reveal block is replaced only when its header can no longer be proven, and anyone can record it until then.
"""


from . import header


event RandomnessRecorded:
    edition: indexed(uint256)
    reveal_block: uint256
    randomness: bytes32


event RevealRearmed:
    edition: indexed(uint256)
    reveal_block: uint256


event EditionRevealed:
    edition: indexed(uint256)
    seed: bytes32


struct Draw:
    commitment: bytes32
    reveal_block: uint256
    randomness: bytes32
    seed: bytes32


# A week of 12-second blocks: the longest that holders can be made to wait for the reveal block.
_MAX_DELAY: constant(uint256) = 50_400


# Blocks from an edition's close to its reveal block. EIP-4399 advises at least four epochs (128 blocks) where
# the art is worth anything; a few do on a devnet.
REVEAL_DELAY: public(immutable(uint256))


# Commitments ever made: a secret that was revealed is none for another edition.
commitment_used: public(HashMap[bytes32, bool])

_draws: HashMap[uint256, Draw]


@deploy
def __init__(reveal_delay_: uint256):
    """
    @notice Fixes how far ahead reveal blocks are.
    @param reveal_delay_ Blocks from the close to the reveal block.
    """
    assert 1 <= reveal_delay_ and reveal_delay_ <= _MAX_DELAY, "seeds: reveal delay out of range"
    REVEAL_DELAY = reveal_delay_


@internal
def _commit(edition: uint256, commitment: bytes32):
    """
    @notice Takes the artist's commitment.
    @param edition The edition.
    @param commitment keccak256 of a secret.
    """
    assert commitment != empty(bytes32), "seeds: no commitment"
    assert not self.commitment_used[commitment], "seeds: commitment used before"
    self.commitment_used[commitment] = True
    self._draws[edition].commitment = commitment


@internal
def _arm(edition: uint256) -> uint256:
    """
    @notice Names the reveal block: a block that nobody knows anything of yet.
    @param edition The edition.
    @return uint256 The block's number.
    """
    reveal_block: uint256 = block.number + REVEAL_DELAY
    self._draws[edition].reveal_block = reveal_block
    return reveal_block


@internal
def _record(edition: uint256, header_rlp: Bytes[header.MAX_HEADER]):
    """
    @notice Stores the reveal block's `prevrandao`.
    @param edition The edition, armed.
    @param header_rlp The reveal block's RLP header.
    """
    draw: Draw = self._draws[edition]
    assert draw.randomness == empty(bytes32), "seeds: randomness is recorded"
    randomness: bytes32 = header._prevrandao(draw.reveal_block, header_rlp)
    # Zero stands for "not recorded"; a chain whose blocks all say zero has no randomness to give.
    assert randomness != empty(bytes32), "seeds: block without prevrandao"
    self._draws[edition].randomness = randomness
    log RandomnessRecorded(edition=edition, reveal_block=draw.reveal_block, randomness=randomness)


@internal
def _rearm(edition: uint256):
    """
    @notice Names a new reveal block after the last one was missed.
    @param edition The edition, armed.
    """
    draw: Draw = self._draws[edition]
    assert draw.randomness == empty(bytes32), "seeds: randomness is recorded"
    assert header._is_forgotten(draw.reveal_block), "seeds: reveal block is not missed"
    log RevealRearmed(edition=edition, reveal_block=self._arm(edition))


@internal
def _reveal(edition: uint256, secret: bytes32):
    """
    @notice Fixes the seed for good.
    @param edition The edition.
    @param secret What the commitment is the hash of.
    """
    draw: Draw = self._draws[edition]
    assert draw.seed == empty(bytes32), "seeds: edition is revealed"
    assert draw.randomness != empty(bytes32), "seeds: no randomness yet"
    assert keccak256(secret) == draw.commitment, "seeds: wrong secret"
    seed: bytes32 = keccak256(concat(secret, draw.randomness))
    self._draws[edition].seed = seed
    log EditionRevealed(edition=edition, seed=seed)


@internal
@view
def _token_seed(edition: uint256, token_id: uint256) -> bytes32:
    """
    @notice Derives a token's seed.
    @param edition The token's edition.
    @param token_id The token.
    @return bytes32 keccak256(edition seed ++ token id as 32 bytes).
    """
    seed: bytes32 = self._draws[edition].seed
    assert seed != empty(bytes32), "seeds: edition is not revealed"
    return keccak256(concat(seed, convert(token_id, bytes32)))
