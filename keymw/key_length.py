"""The longest API key of a user (doc/contract/rackspace-identity 1.11)."""

MAX_API_KEY_LENGTH = 100
