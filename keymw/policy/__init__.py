"""Policy: which caller may do which operation on which target."""
