"""The command `efpi`."""
