"""The ldap driver: a user's key on the user's own entry in a directory."""
