"""Votes on chain: what a node does when no broker carries its messages any more."""
