"""A home in one file, and a home made of it again."""
