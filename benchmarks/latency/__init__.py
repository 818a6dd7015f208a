"""From a final checkpoint block to the broadcast of its report: real node processes, a real chain, a real broker."""
