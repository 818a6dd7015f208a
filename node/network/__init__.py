"""What a node tells everybody of its network: put together from what it reads for its work anyhow."""
