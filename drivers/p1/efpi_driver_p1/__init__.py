"""Smart meters with a P1 port: DSMR 2.2 to 5 and the variants of other countries."""
