"""A testnet in a box: contracts, a market that moves by itself and a committee, beside a devnet's chain and broker."""
