"""The drivers: each translates one kind of simulated appliance into the Energy Flexibility Interface."""
