"""The HTTP interface of one gateway, over loopback and over its Unix socket."""
