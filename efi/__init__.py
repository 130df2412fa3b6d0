"""The Energy Flexibility Interface: what appliance and energy app may say to each other, and the rules of saying it."""
