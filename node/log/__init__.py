"""What the node tells its operator, line by line: without secrets, and not again and again."""
