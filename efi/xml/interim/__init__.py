"""The interim EFI XML of 2016: one root `efiMessage`, namespace `http://www.flexiblepower.org/efi`.

The revision is 9789638 of 2016-09-26, the last whose own example files fit; what the branch's head renamed is read too.
"""
