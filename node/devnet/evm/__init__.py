"""The embedded chain itself: Prague rules on plain headers, a mempool, blocks on demand, every past state readable."""
