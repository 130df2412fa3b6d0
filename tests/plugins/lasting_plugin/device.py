"""A device as a file: one line a deed, appended at once, so that it outlives every process."""

import json
import time
from pathlib import Path
from typing import Any

from efpi_core.plugin.config import PluginConfig, setting


class DeviceConfig(PluginConfig):
    """Where the device lives."""

    file: str = setting(title="File", description="Its deeds, one JSON line each.")


class Device:
    """What it did so far, and a hand to do more."""

    def __init__(self, file: str) -> None:
        self.path = Path(file)

    def do(self, **deed: Any) -> None:
        """Do something, and note it."""
        if self.path.with_suffix(".stuck").exists():
            time.sleep(60.0)  # as a library that waits for a device and lets nobody else work meanwhile
        deed["t"] = time.clock_gettime(time.CLOCK_BOOTTIME)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(deed) + "\n")

    def deeds(self) -> list[dict[str, Any]]:
        """All it did; a line that a kill cut off is none."""
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines if line.endswith("}")]
