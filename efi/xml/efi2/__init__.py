"""EFI 2.0 as XML: one root a message, every attribute qualified, numbers for names."""
