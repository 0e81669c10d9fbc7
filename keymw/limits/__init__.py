"""Limits for clients, and the addresses of clients."""
