"""The gateway at work: instances, appliances, connections, observations, limits, and who wins."""
