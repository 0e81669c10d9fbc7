"""Logins that buy a token with an API key."""
