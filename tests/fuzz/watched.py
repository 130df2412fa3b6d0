"""The packages whose branches guide the search for new inputs, by target; known before any of them is imported."""

WATCHED: dict[str, tuple[str, ...]] = {
    "backup_archive": ("efpi_core.backup", "zipfile"),
    "efi_files": ("efi.command", "efi.xml", "efi.s2.mapping"),
    "efi_json": ("efi",),
    "efi_xml": ("efi",),
    "history_db": ("efpi_core.history",),
    "host_frames": ("efi", "efpi_core.gateway", "efpi_core.host"),
    "http": ("efpi_core.http", "h11", "starlette", "uvicorn"),
    "modbus": ("efpi_driver_sunspec.wire", "pymodbus"),
    "p1": ("efpi_driver_p1",),
    "p1_capture": ("efpi_driver_p1.capture", "efpi_driver_p1.decode"),
    "plugin_json": ("efpi_core.host.offer", "efpi_core.host.config_check", "efpi_core.cli.schema_words"),
    "s2_driver": ("efpi_driver_s2", "efi.s2.mapping"),
    "s2_json": ("efi.s2",),
    "s2_map": ("efi.s2.mapping", "efi.session"),
    "s2_session": ("efi.s2", "efi.recent"),
    "s2_connect": ("efpi_core.s2.connect",),
    "site_yaml": ("efpi_core.site", "ruamel"),
    "state_db": ("efpi_core.state",),
    "sunspec": ("efpi_driver_sunspec",),
}
