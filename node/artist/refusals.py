"""What refusals of oracle and collection mean to an artist, and what to do about each."""

from __future__ import annotations

from typing import Final

REFUSALS: Final = {
    "ownable: caller is not the owner": (
        "only the owner may do that: the artist of a collection, or whoever owns the oracle",
        "name the owner's keystore with --account",
    ),
    "ownable_2step: caller is not the new owner": (
        "the collection was not offered to this account",
        "its artist runs patina edition hand-over YOUR-ADDRESS first",
    ),
    "oracle: not an opener": (
        "this account may not open feeds on this network",
        "ask whoever owns the oracle for it: patina edition allow YOUR-ADDRESS is what they run",
    ),
    "oracle: not the opener": (
        "only whoever opened the feed, or owns the oracle, may say who is told of it",
        "name that account's keystore with --account",
    ),
    "feeds: vault has no code": ("there is no contract at the vault's address", "correct --vault"),
    "feeds: empty vault": ("the vault has no shares yet, so nothing can be measured", "deposit into it first"),
    "feeds: worthless shares": ("the vault's shares are worth nothing", "name a vault that holds assets"),
    "feeds: too many asset decimals": ("the vault's asset has more decimals than 18", "name another vault"),
    "feeds: too many share decimals": ("the vault's shares have more decimals than can be measured", "name another"),
    "feeds: collection has no code": ("there is no contract at the collection's address", "correct --collection"),
    "feeds: unknown feed": ("there is no such feed", "look its number up: patina edition show"),
    "feeds: too many subscribers": ("four contracts are told of this feed already", "end one subscription first"),
    "feeds: already subscribed": ("this contract is told of the feed already", "there is nothing to do"),
    "feeds: not subscribed": ("this contract is not told of the feed", "there is nothing to do"),
    "feeds: subscriber has no code": ("there is no contract at that address", "correct the address"),
    "collection: feed of something else": (
        "another edition was opened meanwhile, and the feed names this number",
        "run it again: a feed is opened for the next number",
    ),
    "collection: nothing to withdraw": ("the collection has earned nothing since the last time", "nothing to do"),
    "sales: unknown edition": ("there is no such edition", "patina edition show lists all"),
    "sales: sold out": ("fewer tokens are left than that", "patina edition show says how many"),
    "sales: wrong payment": ("the price is another", "run it again"),
    "sales: edition is closed": ("the sale has ended", "nothing can be sold of it any more"),
    "sales: edition is not closed": ("the sale goes on", "end it first: patina edition close"),
    "sales: edition is empty": ("the edition ended without a token", "it has nothing to reveal"),
    "sales: supply out of range": ("an edition has 1 to 999,999 tokens", "choose another --supply"),
    "sales: quantity out of range": ("one purchase takes 1 to 100 tokens", "buy them in several"),
    "seeds: edition is revealed": ("the edition is revealed already", "there is nothing to do"),
    "seeds: reveal block is not missed": ("the reveal block can still be proven", "run it again"),
    "seeds: reveal delay out of range": ("the reveal delay is 1 to 50,400 blocks", "choose another --reveal-delay"),
    "header: block out of reach": (
        "the reveal block is too old to be proven on this chain",
        "run it again: it names another reveal block",
    ),
    "header: not that block": (
        "the chain holds another block there than the endpoint showed",
        "run it again, with another endpoint (--rpc) if it stays so",
    ),
    "seeds: block without prevrandao": (
        "blocks of this chain carry no randomness, so nothing can be revealed on it",
        "open editions on a chain whose blocks carry prevrandao",
    ),
    "royalties: more than the price": ("a royalty is at most the price", "choose a smaller --royalty"),
    "terms: thresholds not ascending": ("thresholds have to ascend", "correct --thresholds"),
    "terms: window not odd in 1..63": ("a window is odd, 1 to 63", "correct --window"),
}
"""Reason -> what it means, and what to do."""


def explain(error: Exception) -> str:
    """A refusal in words with its remedy; any other error's own text."""
    from node.staking.refusals import explain as explain_staking

    text = str(error)
    found = [reason for reason in REFUSALS if reason in text]
    if not found or "the contract said" in text:
        return explain_staking(error)
    reason = max(found, key=len)
    meaning, remedy = REFUSALS[reason]
    return f"{meaning}\n  what to do: {remedy}\n  (the contract said: {reason})"
