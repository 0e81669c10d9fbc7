"""The shapes on the wire, both ways, in JSON and in XML."""
