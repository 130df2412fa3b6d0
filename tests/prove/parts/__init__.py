"""What `make prove` proves, one module a part, each with `cases() -> Iterable[Case]`."""
