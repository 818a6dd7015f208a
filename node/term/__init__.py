"""Terms of office: what of a node belongs to one configuration of the oracle, and how one follows another."""
