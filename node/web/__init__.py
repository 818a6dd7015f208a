"""What the node serves over HTTP: the gallery, its interface for programs, health, and content."""
