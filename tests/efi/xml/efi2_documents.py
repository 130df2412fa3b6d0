"""Documents of EFI 2.0, written for the tests."""

NAMESPACE = "http://www.flexiblepower.org/efi-2"
HEADER = "<efi:header><efi:efiResourceId>fridge-1</efi:efiResourceId><efi:timestamp>{at}</efi:timestamp></efi:header>"
AT = "2026-03-29T01:00:00Z"


def document(root: str, inner: str, *, attributes: str = "", at: str = AT) -> bytes:
    """A message of that root."""
    return (
        f'<efi:{root} xmlns:efi="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'efi:efiVersion="2.0" {attributes}>{HEADER.format(at=at)}{inner}</efi:{root}>'
    ).encode()


def update(root: str, inner: str, **more: str) -> bytes:
    """An update of that root."""
    head = f"<efi:flexibilityUpdateId>update-1</efi:flexibilityUpdateId><efi:validFrom>{AT}</efi:validFrom>"
    return document(root, head + inner, **more)


def instruction(root: str, inner: str) -> bytes:
    """An instruction of that root."""
    head = (
        "<efi:instructionId>instruction-1</efi:instructionId><efi:flexibilityUpdateId>update-1</efi:flexibilityUpdateId>"
        "<efi:isEmergencyInstruction>false</efi:isEmergencyInstruction>"
    )
    return document(root, head + inner)


def registration(root: str, inner: str, *, device_class: str = "Freezer", currency: str = "") -> bytes:
    """A registration of that root."""
    told = f"<efi:currency>{currency}</efi:currency>" if currency else ""
    head = (
        "<efi:instructionProcessingDelay>PT5S</efi:instructionProcessingDelay>"
        f"<efi:deviceDescription><efi:deviceClass>{device_class}</efi:deviceClass></efi:deviceDescription>{told}"
    )
    return document(root, head + inner)


SUPPORTED = "<efi:supportedCommodities><efi:commodityType>ELECTRICITY</efi:commodityType></efi:supportedCommodities>"


def description(modes: str, *, transitions: str = "", timers: str = "", leakage: str = "") -> bytes:
    """A storage's description with one actuator."""
    ways = f"<efi:transitions>{transitions}</efi:transitions>" if transitions else ""
    return update(
        "StorageSystemDescription",
        f'<efi:actuatorBehaviours><efi:actuatorBehaviour efi:actuatorId="1"><efi:runningModes>{modes}'
        f"</efi:runningModes>{timers}{ways}</efi:actuatorBehaviour></efi:actuatorBehaviours>{leakage}",
    )


def mode(number: int, *ranges: tuple[float, float], power: str = "electricalPower") -> str:
    """A running mode that is a point over ranges of fill levels."""
    elements = "".join(
        f'<efi:discreteRunningModeElement efi:fillLevelLowerBound="{lower}" efi:fillLevelUpperBound="{upper}">'
        f"<efi:fillingRate>0.1</efi:fillingRate><efi:{power}>100</efi:{power}></efi:discreteRunningModeElement>"
        for lower, upper in ranges
    )
    return f'<efi:discreteRunningMode efi:id="{number}" efi:label="m">{elements}</efi:discreteRunningMode>'


def way(start: int, end: int, more: str = "", inner: str = "") -> str:
    """A transition."""
    return (
        f'<efi:transition efi:fromRunningModeId="{start}" efi:toRunningModeId="{end}" {more}>{inner}</efi:transition>'
    )
