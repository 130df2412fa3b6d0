"""The map between S2 and the interface, field by field and both ways, with what is lost on the way."""
