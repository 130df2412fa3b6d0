"""The interface as EFI XML: the interim form of 2016 and EFI 2.0, liberal in reading and strict in writing."""
