"""Replays of share-price histories on an embedded chain, with real nodes as processes of their own."""
