# pragma version 0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Ballots: who voted for what, and the median of those who agree
@license AGPL-3.0-only
@custom:contract-name ballots
@notice A ballot is all that voters have to agree in: configuration, feed, checkpoint, block hash,
        signals and content root. Only their answers may differ.
"""


MAX_NODES: constant(uint256) = 31


# @dev Bitmap of the members who voted, by keccak256(config digest, feed, checkpoint).
_voted: HashMap[bytes32, uint256]
# @dev Bitmap of the members who voted for a ballot.
_voters: HashMap[bytes32, uint256]
# @dev Their answers, by ballot and committee index.
_answers: HashMap[bytes32, int256[MAX_NODES]]


@deploy
def __init__():
    """
    @dev Begins without votes.
    """
    pass


@internal
def _cast(
    config_digest: bytes32,
    feed_id: uint256,
    checkpoint: uint64,
    block_hash: bytes32,
    signals_hash: bytes32,
    content_root: bytes32,
    index: uint256,
    answer: int256,
) -> (bytes32, uint256):
    """
    @dev Counts a vote; reverts for a member's second one on a checkpoint, whatever it is for.
    @param config_digest The configuration under which the vote counts.
    @param feed_id The feed.
    @param checkpoint The checkpoint.
    @param block_hash Its block's hash.
    @param signals_hash The hash of the signals, one word each.
    @param content_root The digest of the artworks, or zero.
    @param index The voter's committee index.
    @param answer The voter's answer.
    @return bytes32 The ballot.
    @return uint256 The bitmap of those who voted for it.
    """
    round: bytes32 = keccak256(abi_encode(config_digest, feed_id, checkpoint))
    voted: uint256 = self._voted[round]
    assert (voted >> index) & 1 == 0, "ballots: already voted"
    self._voted[round] = voted | (1 << index)
    ballot: bytes32 = keccak256(
        abi_encode(config_digest, feed_id, checkpoint, block_hash, signals_hash, content_root)
    )
    voters: uint256 = self._voters[ballot] | (1 << index)
    self._voters[ballot] = voters
    self._answers[ballot][index] = answer
    return ballot, voters


@internal
@view
def _median(ballot: bytes32, voters: uint256) -> int256:
    """
    @dev The lower median of the answers of a ballot's voters.
    @param ballot The ballot.
    @param voters The voters' bitmap, at least one.
    @return int256 The median, a wad.
    """
    answers: DynArray[int256, MAX_NODES] = []
    for i: uint256 in range(MAX_NODES):
        if (voters >> i) & 1 == 0:
            continue
        # Insertion: larger answers move one place up.
        answer: int256 = self._answers[ballot][i]
        place: uint256 = len(answers)
        answers.append(answer)
        for _: uint256 in range(place, bound=MAX_NODES):
            if answers[place - 1] <= answer:
                break
            answers[place] = answers[place - 1]
            place -= 1
        answers[place] = answer
    return answers[(len(answers) - 1) // 2]
