"""What a node does: one keeper, one duty."""
