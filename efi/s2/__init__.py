"""S2 (EN 50491-12-2): its messages in both profiles, the rules of a session, and the map to the interface and back."""
