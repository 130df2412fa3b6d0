"""The rules of EFI XML: the official schemas, compiled when first used, and the check of a document against them.

`efi-2.0.xsd` and `efi-interim-2016.xsd` are the Flexiblepower Alliance Network's, under the Apache License 2.0.
"""
