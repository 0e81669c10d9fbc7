"""The ldap driver: it stores a user's key on the user's own entry."""
