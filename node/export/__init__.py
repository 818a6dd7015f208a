"""Takes an edition out of the network as files that need neither a node nor this software."""
