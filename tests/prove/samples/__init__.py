"""Parts that try the runner itself."""
