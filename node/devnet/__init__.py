"""An embedded chain and broker, and replays on them."""
