"""The version of the interface, by which two releases find out whether they understand each other."""

VERSION = (1, 0)
"""Equal majors understand each other; the minor counts additions, which an older release may leave out."""
