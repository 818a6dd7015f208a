"""The sections of a node's metrics, each read and failing on its own."""
