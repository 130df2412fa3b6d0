"""S2's messages as the interface's: one file a control type, without memory."""
