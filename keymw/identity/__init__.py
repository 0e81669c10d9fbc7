"""What keymw asks the identity service it stands before."""
