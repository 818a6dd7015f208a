"""What the node reads from and writes to an Ethereum chain."""
