"""Content addressing: CIDs, UnixFS, metadata, the block store, and the gateway that serves them."""
