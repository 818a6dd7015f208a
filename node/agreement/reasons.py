"""Why a message was dropped: short codes for counters and logs."""

from __future__ import annotations

from typing import Final

OVERSIZED: Final = "oversized"
MALFORMED: Final = "malformed"
FOREIGN: Final = "foreign"  # another configuration's: chain, oracle or committee
UNKNOWN_SENDER: Final = "unknown_sender"
BAD_SIGNATURE: Final = "bad_signature"

REPEATED: Final = "repeated"
STALE: Final = "stale"  # of a round that has landed, or a view that was left
OVERFLOW: Final = "overflow"  # the sender's share of a bounded buffer is full
CONFLICTING: Final = "conflicting"  # the sender said something else in the same place before
OTHER_BLOCK: Final = "other_block"
NOT_LEADER: Final = "not_leader"
UNCERTIFIED: Final = "uncertified"  # a proposal of a later view, or a lock, without the quorum that it needs
BAD_PROPOSAL: Final = "bad_proposal"
UNLIKE: Final = "unlike"  # a leader's artwork that this node's own render does not bear out; evidence of nothing
OTHER_REPORT: Final = "other_report"  # a Prepare or a signature for a report that this node does not hold true
ALREADY_BOUND: Final = "already_bound"  # this node asked to leave the view, or prepared another report in it before
ALREADY_ATTESTED: Final = "already_attested"  # this node signed another report in this round before
