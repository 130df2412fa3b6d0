"""The simulated house: ten appliances of all four categories on one electrical node."""
