"""What the author of a driver or an energy app imports; nothing here knows the gateway."""
