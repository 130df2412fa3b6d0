"""The appliances' physics: pure objects that are exact in time and know nothing of the gateway."""
