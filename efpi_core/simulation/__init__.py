"""Running a site in simulated time, as fast as the work allows."""
