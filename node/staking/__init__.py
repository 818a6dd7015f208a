"""Staking as a node sees it: the contract, the ledger of work, and proofs that somebody signed two reports."""
