"""The gateway: it loads drivers and energy apps and connects them through the Energy Flexibility Interface."""
