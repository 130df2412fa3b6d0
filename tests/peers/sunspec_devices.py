"""Register images of SunSpec devices and how they behave: a hybrid inverter, an IEEE 1547 storage, meters.

The images are made with pysunspec2's own encoders, so that they do not share a fault with the driver under test.
Time comes from the caller; `step` lets it pass, and the reversion timers of the device really run in it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sunspec2 import device as definitions
from sunspec2 import mb

MARKER = [0x5375, 0x6E53]
END = [0xFFFF, 0]
Values = Mapping[str, Any]


@dataclass
class ModelImage:
    """One model: its identifier, the values of its points, and of each repetition."""

    id: int
    values: Values = field(default_factory=dict)
    repeats: Sequence[Values] = ()
    length: int | None = None
    """A length that the header claims in place of the true one."""
    registers: int | None = None
    """How many registers the model really has behind its header: shorter or longer than the standard."""


def encode(kind: str, size: int, value: Any) -> list[int]:
    """The registers of one point; None is "not implemented"."""
    if kind == "string":
        data = (value.encode() if isinstance(value, str) else value or b"").ljust(size * 2, b"\0")[: size * 2]
    elif value is None:
        data = mb.create_unimpl_value(kind, size * 2)
    else:
        data = mb.point_type_info[kind].to_data(value, size * 2)
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


class Image:
    """The registers of one unit, addressable by model and point."""

    def __init__(self, base: int, models: Sequence[ModelImage], end: Sequence[int] = END) -> None:
        self.base = base
        self.registers: list[int] = list(MARKER)
        self.places: dict[str, tuple[int, str, int, str | None]] = {}
        self.starts: dict[int, int] = {}
        for number, model in enumerate(models):
            self._append(number, model)
        self.registers += end

    def _append(self, number: int, model: ModelImage) -> None:
        start = len(self.registers)
        self.starts[number] = start
        prefix = f"{model.id}." if f"{model.id}.ID" not in self.places else f"{model.id}#{number}."
        try:
            group = definitions.get_model_def(model.id)["group"]
        except Exception:
            group = {
                "points": [{"name": "ID", "type": "uint16", "size": 1}, {"name": "L", "type": "uint16", "size": 1}]
            }
        self._points(group, prefix, {"ID": model.id, **model.values})
        for sub in group.get("groups", ()):
            if sub.get("count", 1) == 1:
                self._points(sub, f"{prefix}{sub['name']}.", {})
            else:
                for index, values in enumerate(model.repeats):
                    self._points(sub, f"{prefix}{sub['name']}[{index}].", values)
        if model.registers is not None:
            true_end = start + 2 + model.registers
            del self.registers[true_end:]
            self.registers += [0] * (true_end - len(self.registers))
            self.places = {name: place for name, place in self.places.items() if place[0] + place[2] <= true_end}
        length = len(self.registers) - start - 2
        self.registers[start + 1] = length if model.length is None else model.length

    def _points(self, group: Mapping[str, Any], prefix: str, values: Values) -> None:
        for point in group["points"]:
            kind, size = point["type"], point["size"]
            self.places[prefix + point["name"]] = (len(self.registers), kind, size, point.get("sf"))
            self.registers += encode(kind, size, values.get(point["name"]))

    def address(self, name: str) -> int:
        """Where a point lies on the wire."""
        return self.base + self.places[name][0]

    def has(self, name: str) -> bool:
        """Whether the image has the point."""
        return name in self.places

    def raw(self, name: str) -> int | float | str | None:
        """The unscaled value of a point."""
        at, kind, size, _sf = self.places[name]
        data = b"".join(register.to_bytes(2, "big") for register in self.registers[at : at + size])
        value = mb.point_type_info[kind].data_to(data)
        return value if mb.point_type_info[kind].is_impl(value) else None

    def scale(self, name: str) -> float:
        """What the raw value is multiplied by."""
        sf = self.places[name][3]
        if not sf:
            return 1.0
        exponent = self.raw(f"{name.split('.', maxsplit=1)[0]}.{sf}")
        return float(10.0 ** float(exponent or 0))

    def get(self, name: str) -> float:
        """The scaled value; not a number when it is not implemented."""
        raw = self.raw(name) if self.has(name) else None
        return math.nan if raw is None else float(raw) * self.scale(name)

    def set(self, name: str, value: float | str | None) -> None:
        """Store a scaled value."""
        if not self.has(name):
            return
        at, kind, size, _sf = self.places[name]
        if isinstance(value, float | int):
            scaled = value / self.scale(name)
            raw: Any = scaled if kind.startswith("float") else round(scaled)
        else:
            raw = value
        self.registers[at : at + size] = encode(kind, size, raw)


class Plant:
    """What is behind the registers: sun, load, battery, and the controls with their reversion timers."""

    def __init__(self, image: Image, settings: Mapping[str, Any]) -> None:
        self.image = image
        self.sun_w = float(settings.get("sun_w", 0.0))
        self.load_w = float(settings.get("load_w", 0.0))
        self.auto_w = float(settings.get("auto_w", 0.0))
        """What the battery does of its own will, positive when it charges."""
        self.energy_wh = float(settings.get("energy_wh", 5000.0))
        self.speed = float(settings.get("speed", 1.0))
        """How much faster than the clock energy flows; timers keep to the clock."""
        self.timers: dict[str, float] = {}
        self.kind = str(settings.get("kind", "hybrid"))
        self.export_positive = bool(settings.get("export_positive", False))
        self.positive_rates = bool(settings.get("positive_rates", False))
        """Negative rates are acknowledged and not taken."""
        self.broken_timer = bool(settings.get("broken_timer", False))

    def written(self, names: set[str]) -> None:
        """Registers were written: the timers that belong to them start anew."""
        for name in ("124.InWRte", "124.OutWRte"):
            if self.positive_rates and name in names and self.image.get(name) < 0:
                self.image.set(name, 100.0)
        if self.broken_timer:
            return
        rules = {
            "123": ("123.WMaxLim", "123.WMaxLimPct_RvrtTms"),
            "124": ("124.", "124.InOutWRte_RvrtTms"),
            "limit": ("704.WMaxLimPct", "704.WMaxLimPctRvrtTms"),
            "set": ("704.WSet", "704.WSetRvrtTms"),
        }
        for timer, (prefix, seconds) in rules.items():
            if any(name.startswith(prefix) for name in names) and self.image.has(seconds):
                length = self.image.get(seconds)
                if math.isnan(length) or length <= 0:
                    self.timers.pop(timer, None)
                else:
                    self.timers[timer] = length

    def step(self, seconds: float) -> None:
        """Let time pass."""
        for timer in tuple(self.timers):
            self.timers[timer] -= seconds
            if self.timers[timer] <= 0:
                del self.timers[timer]
                self._revert(timer)
        image = self.image
        image.set("704.WMaxLimPctRvrtRem", math.ceil(self.timers.get("limit", 0)))
        image.set("704.WSetRvrtRem", math.ceil(self.timers.get("set", 0)))
        battery_w = self._battery_w()
        pv_w = min(self.sun_w, max(0.0, self._limit_w() + battery_w))  # the limit is on what the inverter gives
        self._store(battery_w, pv_w, seconds)

    def _revert(self, timer: str) -> None:
        image = self.image
        if timer == "123":
            image.set("123.WMaxLim_Ena", 0)
        elif timer == "124":
            image.set("124.StorCtl_Mod", 0)
        elif timer == "limit":
            image.set("704.WMaxLimPct", image.get("704.WMaxLimPctRvrt"))
            image.set("704.WMaxLimPctEna", image.get("704.WMaxLimPctEnaRvrt"))
        else:
            image.set("704.WSet", image.get("704.WSetRvrt"))
            image.set("704.WSetEna", image.get("704.WSetEnaRvrt"))

    def _limit_w(self) -> float:
        image = self.image
        if image.has("123.WMaxLim_Ena") and image.raw("123.WMaxLim_Ena") == 1:
            return image.get("121.WMax") * image.get("123.WMaxLimPct") / 100
        if image.has("704.WMaxLimPctEna") and image.raw("704.WMaxLimPctEna") == 1:
            return image.get("702.WMax") * image.get("704.WMaxLimPct") / 100
        return math.inf

    def _battery_w(self) -> float:
        image = self.image
        power = self.auto_w
        if image.has("124.StorCtl_Mod"):
            mode = int(image.raw("124.StorCtl_Mod") or 0)
            full = image.get("124.WChaMax")
            if mode & 1:
                power = min(power, image.get("124.InWRte") / 100 * full)
            if mode & 2:
                power = max(power, -image.get("124.OutWRte") / 100 * full)
        elif image.has("704.WSetEna"):
            if image.raw("704.WSetEna") == 1:
                power = -image.get("704.WSet")
        else:
            return 0.0
        capacity = self._capacity_wh()
        if (power > 0 and self.energy_wh >= capacity) or (power < 0 and self.energy_wh <= 0):
            return 0.0
        return power

    def _capacity_wh(self) -> float:
        for name in ("120.WHRtg", "713.WHRtg", "802.WHRtg"):
            value = self.image.get(name)
            if not math.isnan(value):
                return value
        return 10000.0

    def _store(self, battery_w: float, pv_w: float, seconds: float) -> None:
        image = self.image
        self.energy_wh += battery_w * seconds / 3600 * self.speed
        self.energy_wh = min(max(self.energy_wh, 0.0), self._capacity_wh())
        soc = 100 * self.energy_wh / self._capacity_wh()
        for name in ("124.ChaState", "713.SoC", "802.SoC"):
            image.set(name, soc)
        inverter_w = pv_w - battery_w
        for model in (101, 102, 103, 111, 112, 113, 701):
            image.set(f"{model}.W", inverter_w)
        image.set("160.module[0].DCW", pv_w)
        image.set("160.module[2].DCW", max(battery_w, 0.0))
        image.set("160.module[3].DCW", max(-battery_w, 0.0))
        image.set("802.W", -battery_w)
        grid_w = self.load_w - inverter_w if self.kind != "meter" else self.load_w
        for model in (201, 202, 203, 204, 211, 212, 213, 214):
            image.set(f"{model}.W", -grid_w if self.export_positive else grid_w)


def common(maker: str, product: str, serial: str, version: str = "1.0") -> ModelImage:
    """The model with which every device introduces itself."""
    return ModelImage(1, {"Mn": maker, "Md": product, "Vr": version, "SN": serial, "DA": 1})


def inverter_values(**more: Any) -> Values:
    """A three-phase inverter's integers, with tenths of a volt and single watts."""
    return {
        "A": 100, "AphA": 33, "AphB": 33, "AphC": 34, "A_SF": -1,
        "PhVphA": 2301, "PhVphB": 2305, "PhVphC": 2298, "V_SF": -1,
        "W": 0, "W_SF": 0, "Hz": 5000, "Hz_SF": -2, "VA": 0, "VA_SF": 0, "VAr": 0, "VAr_SF": 0, "PF": 1000, "PF_SF": -1,
        "WH": 123456, "WH_SF": 0, "DCW": 0, "DCW_SF": 0, "TmpCab": 412, "Tmp_SF": -1, "St": 4, "Evt1": 0, "Evt2": 0,
        **more,
    }  # fmt: skip


def hybrid(settings: Mapping[str, Any]) -> list[ModelImage]:
    """A hybrid inverter of the widespread kind: integer or float measurements, controls 123 and 124, inputs in 160."""
    controls = {
        "Conn": 1, "WMaxLimPct": 10000, "WMaxLimPct_WinTms": 0, "WMaxLimPct_RvrtTms": 0, "WMaxLimPct_RmpTms": 0,
        "WMaxLim_Ena": 0, "OutPFSet": 0, "OutPFSet_Ena": 0, "VArPct_Ena": 0, "WMaxLimPct_SF": -2, "OutPFSet_SF": -3,
    }  # fmt: skip
    storage = {
        "WChaMax": 5000, "WChaGra": 100, "WDisChaGra": 100, "StorCtl_Mod": 0, "MinRsvPct": 500, "ChaState": 5000,
        "ChaSt": 6, "OutWRte": 10000, "InWRte": 10000, "InOutWRte_WinTms": None, "InOutWRte_RvrtTms": 0,
        "ChaGriSet": 1, "WChaMax_SF": 0, "WChaDisChaGra_SF": 0, "MinRsvPct_SF": -2, "ChaState_SF": -2,
        "InOutWRte_SF": -2,
    }  # fmt: skip
    names = ("MPPT 1", "MPPT 2", "StCha 3", "StDisCha 4")
    inputs = [{"ID": at + 1, "IDStr": name, "DCW": 0, "DCA": 0, "DCV": 4000} for at, name in enumerate(names)]
    number = int(settings.get("inverter", 103))
    values = inverter_values() if number < 110 else {"W": 0.0, "PhVphA": 230.1, "Hz": 50.0, "WH": 123456.0, "St": 4}
    models = [
        common(settings.get("maker", "Fronius"), settings.get("product", "Symo GEN24 8.0"), settings.get("serial", "34"
               "119102")),
        ModelImage(number, values),
        ModelImage(120, {
            "DERTyp": 82, "WRtg": 8000, "WRtg_SF": 0, "VARtg": 8000, "VARtg_SF": 0, "WHRtg": 10000, "WHRtg_SF": 0,
            "MaxChaRte": 5000, "MaxChaRte_SF": 0, "MaxDisChaRte": 5000, "MaxDisChaRte_SF": 0,
        }),
        ModelImage(121, {"WMax": 8000, "WMax_SF": 0, "VRef": 230, "VRef_SF": 0}),
        ModelImage(122, {"PVConn": 7}),
        ModelImage(123, controls),
    ]  # fmt: skip
    if settings.get("storage", True):
        models.append(ModelImage(124, storage | dict(settings.get("storage_values", {}))))
        models.append(ModelImage(160, {"DCA_SF": -1, "DCV_SF": -1, "DCW_SF": 0, "DCWH_SF": 0, "N": 4}, inputs))
    if settings.get("meter"):
        models += [common("Fronius", "Smart Meter 63A", "M1"), ModelImage(203, meter_values())]
    return models


def meter_values() -> Values:
    """A four-wire meter's integers."""
    return {
        "A": 10, "AphA": 4, "AphB": 3, "AphC": 3, "A_SF": -1, "PhV": 2300, "PhVphA": 2300, "PhVphB": 2301,
        "PhVphC": 2299, "V_SF": -1, "Hz": 500, "Hz_SF": -1, "W": 0, "WphA": 300, "WphB": -100, "WphC": 50, "W_SF": 0,
        "TotWhExp": 1000, "TotWhImp": 4294967290, "TotWh_SF": 0, "Evt": 0,
    }  # fmt: skip


def meter(settings: Mapping[str, Any]) -> list[ModelImage]:
    """A meter of its own."""
    number = int(settings.get("meter", 203))
    values = meter_values()
    if number >= 210:
        values = {"W": 0.0, "WphA": 300.0, "WphB": -100.0, "WphC": 50.0, "TotWhExp": 1000.0, "TotWhImp": 2000.0}
    return [common("Janitza", "UMG 96", settings.get("serial", "M7")), ModelImage(number, values)]


def ieee1547(settings: Mapping[str, Any]) -> list[ModelImage]:
    """A storage inverter after IEEE 1547-2018: the models from 700 on, and a battery bank (802)."""
    ports = [{"PrtTyp": 1, "ID": 1, "IDStr": "BAT", "DCW": 0}]
    controls = {
        "PFWInjEna": 0, "WMaxLimPctEna": 0, "WMaxLimPct": 1000, "WMaxLimPctRvrt": 1000, "WMaxLimPctEnaRvrt": 0,
        "WMaxLimPctRvrtTms": 0, "WMaxLimPctRvrtRem": 0, "WSetEna": 0, "WSetMod": 1, "WSet": 0, "WSetRvrt": 0,
        "WSetEnaRvrt": 0, "WSetRvrtTms": 0, "WSetRvrtRem": 0, "WMaxLimPct_SF": -1, "WSet_SF": 1,
    }  # fmt: skip
    if settings.get("pv"):
        controls = {name: value for name, value in controls.items() if not name.startswith("WSet")}
    models = [
        common("Acme DER", "ESS 5000", settings.get("serial", "E-1")),
        ModelImage(701, {
            "ACType": 0, "St": 1, "InvSt": 3, "ConnSt": 1, "Alrm": 0, "W": 0, "W_SF": 0, "V_SF": -1, "VL1": 2310,
            "WL1": 0, "Hz": 5001, "Hz_SF": -2, "TotWhInj": 5000, "TotWhAbs": 7000, "TotWh_SF": 0,
        }),
        ModelImage(702, {
            "WMaxRtg": 500, "WMax": 500, "WChaRteMaxRtg": 400, "WDisChaRteMaxRtg": 500, "W_SF": 1, "CtrlModes": 3,
        }),
        ModelImage(704, controls),
    ]  # fmt: skip
    if not settings.get("pv"):
        models += [
            ModelImage(713, {
                "WHRtg": 1000, "WHAvail": 500, "SoC": 500, "SoH": 980, "WH_SF": 1, "Pct_SF": -1, "Sta": 0,
            }),
            ModelImage(714, {"NPrt": 1, "DCW_SF": 0}, ports),
        ]  # fmt: skip
    return models


KINDS = {"hybrid": hybrid, "meter": meter, "ieee1547": ieee1547}


def build(settings: Mapping[str, Any]) -> tuple[Image, Plant]:
    """A device as a scenario describes it: its `kind`, `base`, and what that kind's function reads."""
    models: list[ModelImage | None] = [*KINDS[settings.get("kind", "hybrid")](settings)]
    for place, change in settings.get("models", {}).items():
        index = int(place)
        if change is None:
            models[index] = None
        elif index < len(models):
            for name, value in change.items():
                setattr(models[index], name, value)
        else:
            models.append(ModelImage(**change))
    image = Image(
        int(settings.get("base", 40000)), [one for one in models if one is not None], settings.get("end", END)
    )
    return image, Plant(image, settings)
