"""What the residents do: seeded, and the same for a day whenever and however often that day is asked for."""
