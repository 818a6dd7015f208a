"""What the web pages show, put together from the chain, the journal and the node's own figures."""
