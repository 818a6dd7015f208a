"""Several JSON-RPC endpoints as one: asked in turn, believed when they agree, left alone when they fail."""
