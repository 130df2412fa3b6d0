"""S2 Connect 1.0: how two S2 nodes find each other, come to trust each other, and open sessions."""
