"""Global API keys and their access list."""
