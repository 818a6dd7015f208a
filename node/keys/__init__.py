"""The node's signing key, transport key and their encrypted files."""
