"""Every secret that may stand in what a gateway leaves behind, found so that it can be masked."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from efpi_core.errors import SettingsError
from efpi_core.gateway.planning import secret_names
from efpi_core.host.catalogue import Catalogue
from efpi_core.site.expand import all_instances
from efpi_core.site.loader import load_kept_site
from efpi_core.site.redaction import MASK, Redactor, redact_settings
from efpi_core.site.schema import Schema
from efpi_core.site.secrets import SECRETS_FILE, SecretStore

_USERINFO = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://[^/\s:@?#]{0,200}:([^/\s?#]{1,500})@")


@dataclass(slots=True)
class KnownSecrets:
    """The secrets of a home and of its site."""

    values: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    trouble: str = ""
    """Why those of the home are not known: then free texts cannot be given away."""

    @classmethod
    def of(cls, home: Path, environment: Mapping[str, str]) -> "KnownSecrets":
        """Those that the home keeps and the service manager gives. A file that others may read is read all the same."""
        known = cls()
        try:
            known._keep(SecretStore.of(home, environment).values())
        except SettingsError as error:
            known.trouble = error.problem
            with suppress(OSError, ValueError, RecursionError):
                kept = json.loads((home / SECRETS_FILE).read_text("utf-8"))
                if isinstance(kept, dict):
                    known._keep({str(name): str(value) for name, value in kept.items()})
                    known.trouble = ""
        return known

    def _keep(self, secrets: Mapping[str, str]) -> None:
        self.names.update(secrets)
        self.values.update(secrets.values())

    def site(self, text: str, data: JsonValue, plugins: Catalogue) -> JsonValue:
        """The site's data without what its plugins declare secret; what was written there by mistake is known from now.

        The settings of a plugin that is not there, and so declares nothing, are masked as a whole.
        """
        self.values.update(found for value in strings(data) for found in _USERINFO.findall(value))
        try:
            document = load_kept_site(text, data)
        except SettingsError:
            return "the site cannot be read by this version, so that what is secret in it is not known"
        masked: dict[tuple[str, ...], JsonValue] = {}
        for spec, _ in all_instances(document.site):
            settings: JsonValue = dict(spec.config)
            offer = plugins.find(spec.offer)
            if offer is not None:
                schema: Schema = offer.offer.config_schema
                self.values.update(set(secret_names(spec.config, schema)) - self.names)
                masked[spec.path] = redact_settings(settings, schema)
            else:
                masked[spec.path] = _shape(settings)
        return _with_settings(data, masked)

    def redactor(self) -> Redactor:
        """Masks all of them."""
        return Redactor(self.values)


def strings(data: JsonValue) -> Iterator[str]:
    """Every text in plain data."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from strings(value)


def _shape(settings: JsonValue) -> JsonValue:
    """Settings of which nothing is known: their shape only."""
    if isinstance(settings, dict):
        return {key: _shape(value) for key, value in settings.items()}
    if isinstance(settings, list):
        return [_shape(value) for value in settings]
    return MASK if isinstance(settings, str) else settings


def _with_settings(data: JsonValue, masked: Mapping[tuple[str, ...], JsonValue]) -> JsonValue:
    """The document's data with other settings, and without the place where people live."""
    if not isinstance(data, dict):
        return data
    found = dict(data)
    if "location" in found:
        found["location"] = MASK
    for section in ("appliances", "apps"):
        entries = found.get(section)
        if isinstance(entries, dict):
            found[section] = {name: _entry(entry, masked.get((section, name))) for name, entry in entries.items()}
    return found


def _entry(entry: JsonValue, settings: JsonValue) -> JsonValue:
    return {**entry, "config": settings} if isinstance(entry, dict) and "config" in entry else entry
