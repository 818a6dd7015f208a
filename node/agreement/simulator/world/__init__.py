"""What surrounds simulated nodes: time, brokers, a chain, keys and the truth."""
