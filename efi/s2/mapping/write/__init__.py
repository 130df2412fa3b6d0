"""The interface's messages as S2's: one file a control type, without memory."""
