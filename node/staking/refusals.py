"""What the staking contract's refusals mean, and what to do about each."""

from __future__ import annotations

from typing import Final

REFUSALS: Final = {
    "staking: operator has a node": (
        "this operator account has a node already, and an account has one for ever",
        "look at it with patina stake status; another node needs another operator account",
    ),
    "staking: signer is taken": (
        "this signing address is, or was, another node's, and a key belongs to one node for ever",
        "make a new signing key (another signing_keystore, then patina keys new) and register that",
    ),
    "staking: transport key is taken": (
        "this transport key is, or was, another node's, and a key belongs to one node for ever",
        "make a new transport key (another transport_key, then patina keys new) and register that",
    ),
    "staking: no transport key": ("the transport key is empty", "make one with patina keys new"),
    "staking: no payee": ("there is no payee", "name an account that is to be paid, with --payee"),
    "staking: not the signer's proof": (
        "the proof of possession is not this signing key's for this operator and contract",
        "run it again with the signing key of this configuration; a proof is good for one operator account only",
    ),
    "staking: not 64 bytes": ("a signature is not 64 bytes long", "give the evidence or proof as it was written"),
    "staking: same keys": ("these are the keys that the node has already", "there is nothing to do"),
    "staking: too many keys": ("this node has changed its keys too often", "exit, and register anew"),
    "staking: not an operator": (
        "this account operates no node",
        "name the operator's keystore with --operator, or join first with patina join",
    ),
    "staking: slashed": (
        "this node was slashed: it is finished, its operator account and its keys too",
        "a new node needs a new operator account and new keys; find out first which two programs signed with the key",
    ),
    "staking: slashed already": ("this node was slashed already", "there is nothing left to take"),
    "staking: token refused": (
        "the token did not move",
        "look at the operator's balance and allowance of the token, and whether the token is paused",
    ),
    "staking: nothing arrived": ("the token took the amount and nothing arrived", "bond more than the token's fee"),
    "staking: bond too high": ("no bond can be that high", "bond less"),
    "staking: entry too high": ("too much would wait to be withdrawn", "withdraw what is ready first"),
    "staking: nothing to unbond": ("nothing would be unbonded", "name an amount above zero"),
    "staking: more than the bond": ("that is more than the bond", "unbond at most the bond: patina stake status"),
    "staking: queue is full": (
        "eight amounts wait to be withdrawn already, and no more fit",
        "withdraw those that are ready, or wait for the oldest; patina stake exit takes all at once",
    ),
    "staking: nothing to withdraw": (
        "nothing is ready to be withdrawn",
        "patina stake status shows when the next amount is; unbond first if none waits",
    ),
    "staking: seat held too lately": (
        "the bond is below the minimum, and the node's last seat can still be answered for",
        "wait until the time that patina stake status shows, or keep the minimum bonded",
    ),
    "staking: frozen": (
        "the guardian has stopped this node's withdrawals for at most 30 days",
        "wait until the time that patina stake status shows; work and rewards go on",
    ),
    "staking: leaving already": ("the node is leaving already", "withdraw when it is ready, or rejoin"),
    "staking: a candidate already": ("the node is a candidate already", "there is nothing to do"),
    "staking: suspended for this era": (
        "the node was suspended in this era",
        "rejoin in the next era; see to it that the node runs",
    ),
    "staking: bond too low": (
        "the bond is below the minimum, or below those of all candidates while all places are taken",
        "bond more: patina stake bond AMOUNT",
    ),
    "staking: the era goes on": (
        "the era is not over, or somebody has just ended it",
        "look again with patina stake status",
    ),
    "staking: not settled": (
        "reports of the era are not settled yet",
        "run it again: they are looked up anew; a feed's funds wait for it too",
    ),
    "staking: out of eras": ("this contract has no eras left", "its oracle needs a new staking contract"),
    "staking: no records": ("no records were given", "run it again"),
    "staking: settled already": ("somebody has settled these records meanwhile", "run it again"),
    "staking: other records": ("a report landed meanwhile, or somebody settles too", "run it again"),
    "staking: unknown feed": ("there is no such feed", "look its number up"),
    "feeds: unknown feed": ("there is no such feed", "look its number up"),
    "staking: nothing sent": ("nothing would be paid", "name an amount above zero"),
    "staking: too much coin": ("the contract holds as much coin as it can", "pay less"),
    "staking: not the opener": ("only whoever opened the feed may take its funds", "use the opener's account"),
    "staking: more than the funds": ("that is more than the feed has", "announce less"),
    "staking: nothing announced": ("no withdrawal of the feed's funds was announced", "announce it first"),
    "staking: too early": ("announced funds stay for an hour", "wait, and run it again"),
    "staking: nothing to claim": (
        "no rewards are to be paid now",
        "rewards of this era are decided on at its end; patina stake status shows both",
    ),
    "staking: nothing to collect": ("nothing is owed to this account", "patina stake status shows what is"),
    "staking: unknown node": ("there is no such node", "patina stake status shows yours"),
    "staking: unknown configuration": (
        "this contract never installed the configuration that the evidence speaks of",
        "it may be another staking contract's: look at the file's staking address",
    ),
    "staking: not one round and view": (
        "the two statements are not about one feed, checkpoint and view: that is no offence",
        "give evidence that patina wrote",
    ),
    "staking: the same statement": ("both statements are the same: signing one twice is no offence", "nothing to do"),
    "staking: two signers": ("the statements were signed by two keys: that is no offence", "nothing to do"),
    "staking: unknown signer": ("the signer never was a node's", "nobody can be slashed for it"),
    "staking: not a member": ("the signer had no seat in that configuration", "nobody can be slashed for it"),
    "staking: not the guardian": ("only the guardian may do that", "use the guardian's account"),
    "staking: frozen lately": ("the node was frozen lately", "wait until 30 days after the freeze ended"),
    "staking: not frozen": ("the node is not frozen", "there is nothing to do"),
    "token: one drip a day": ("the faucet has given this account its tokens of today", "come again tomorrow"),
    "erc20: insufficient allowance": (
        "the staking contract may not take that much",
        "run it again: it is approved first",
    ),
    "erc20: transfer amount exceeds balance": (
        "the operator account has fewer tokens than that",
        "send it some, or choose a smaller amount",
    ),
}
"""Reason -> what it means, and what to do."""


_SAID: Final = "the contract said"


def explain(error: Exception) -> str:
    """A refusal in words with its remedy; any other error's own text."""
    text = str(error)
    found = [reason for reason in REFUSALS if reason in text]
    if not found or _SAID in text:
        return text
    reason = max(found, key=len)
    meaning, remedy = REFUSALS[reason]
    return f"{meaning}\n  what to do: {remedy}\n  ({_SAID}: {reason})"
