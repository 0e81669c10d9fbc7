"""Identity v2.0 in front of a Keystone that speaks only v3."""
