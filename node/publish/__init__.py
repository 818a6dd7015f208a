"""Brings artworks to IPFS nodes and pinning services, so that they can be had without this node."""
