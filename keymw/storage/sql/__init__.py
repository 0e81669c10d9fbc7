"""The sql driver: SQLAlchemy Core on an engine of oslo.db."""
