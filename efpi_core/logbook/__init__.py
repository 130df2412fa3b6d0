"""The gateway's log: one event one line, in a bounded file in the home and on standard error."""
