"""The interface's own command: its schema, its checks, and its conversions, of files in any wire form."""
