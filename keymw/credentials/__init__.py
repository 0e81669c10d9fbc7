"""The API keys of users (RAX-KSKEY)."""
