"""What each appliance can do, in the words of the interface; made once for all appliances alike."""
