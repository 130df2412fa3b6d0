"""What was observed, for years: raw values in compressed chunks, quarter hours and days, in a file of its own."""
