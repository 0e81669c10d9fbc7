"""Logs and audit events, for the operator."""
