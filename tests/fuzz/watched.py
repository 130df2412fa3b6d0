"""The packages whose branches guide the search for new inputs, by target; known before any of them is imported."""

WATCHED: dict[str, tuple[str, ...]] = {
    "http": ("efpi_core.http", "h11", "starlette", "uvicorn"),
    "p1": ("efpi_driver_p1",),
}
