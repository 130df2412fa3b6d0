"""Where plugins run: in a process of their own or inline, speaking the same frames."""
