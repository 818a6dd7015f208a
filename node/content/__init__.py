"""Content addressing: CIDs, UnixFS directories, metadata, blocks."""
