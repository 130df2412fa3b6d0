"""The house of the soak: a hundred appliances of every kind, forty of them in processes of their own."""

HOSTED = {"pv": 8, "battery": 8, "car": 6, "boiler": 6, "washing_machine": 6, "freezer": 6}
INLINE = {"base_load": 30, "freezer": 10, "boiler": 10, "generator": 4, "dishwasher": 5}


def soak_site(*, hosted: bool) -> str:
    """The site document; in a simulation all run inline."""
    lines = [
        "efpi: 1",
        "name: Soak",
        "location: {latitude: 52.37, longitude: 4.90}",
        "time_zone: Europe/Amsterdam",
        "tariff:",
        "  - {import_per_kwh: 0.31, export_per_kwh: 0.07}",
        "appliances:",
        "  meter: {driver: simulated.meter}",
    ]
    for run, counts in (("hosted" if hosted else "inline", HOSTED), ("inline", INLINE)):
        for offer, count in counts.items():
            name = f"{offer.replace('_', '-')}-{'h' if counts is HOSTED else 'i'}-%n%"
            lines.append(f"  {name}: {{driver: simulated.{offer}, count: {count}, run: {run}}}")
    lines += ["apps:", f"  steering: {{app: self_consumption, run: {'hosted' if hosted else 'inline'}}}"]
    return "\n".join(lines) + "\n"


APPLIANCES = 1 + sum(HOSTED.values()) + sum(INLINE.values())
