"""What keeps a key from signing twice: the gate, its file, its trail, and its locks."""
