"""The oracle node: everything a keeper stands on."""
