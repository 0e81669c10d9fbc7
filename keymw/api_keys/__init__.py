"""API keys: many per user, each with a name, an end and its own roles."""
