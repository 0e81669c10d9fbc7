"""Clients of the identity service behind keymw: v2.0 and v3."""
