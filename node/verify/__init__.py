"""Verifies one token from chain data and content alone; what is fetched is believed only where it proves itself."""
