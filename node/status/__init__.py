"""What the node knows of itself, in figures, codes and words."""
