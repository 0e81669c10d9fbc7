"""Plugins of OpenStack clients; they need no server library."""
