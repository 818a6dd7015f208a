"""Transactions from this node's accounts: each sent once, priced, replaced and followed until it is final."""
