"""S2 over the network: sockets, pairing, discovery; for the plugins that speak it, with the extra `efpi[s2]`."""
