"""Output-adjustable appliances in the interim form: registration, description, state, allocation."""

from efi.conversion import LossKind
from efi.output_adjustable import (
    OutputAdjustableAllocation,
    OutputAdjustableRegistration,
    OutputAdjustableStateUpdate,
    OutputAdjustableSystemDescription,
    RunningModeSelector,
)
from efi.xml.interim.common import (
    COMMODITIES_ALL,
    COMMODITY,
    allocation_of,
    commodities_of,
    read_allocation,
    read_commodities,
    read_registration,
    read_update,
    registration_of,
    update_of,
)
from efi.xml.interim.running_modes import (
    behaviour_losses,
    behaviour_of,
    graph_losses,
    graph_of,
    note_state,
    read_behaviour,
    read_graph,
    read_timer_updates,
    state_losses,
    timer_update,
    timer_updates_of,
)
from efi.xml.interim.sheet import Sheet, instant, leaf, listed, node
from efi.xml.interim.source import Source, once, part, parts
from efi.xml.interim.vocabulary import PLACEHOLDER_TIMER
from efi.xml.tree import Element

DESCRIPTION = "output_adjustable_system_description"
ALLOCATION = "output_adjustable_allocation"

BEHAVIOUR_LOSSES = behaviour_losses(DESCRIPTION, "modes.*")
GRAPH_LOSSES = graph_losses(DESCRIPTION, "")
STATE_LOSSES = state_losses("output_adjustable_state_update", "")
ALL_EMERGENCY = LossKind((DESCRIPTION,), "modes", "all modes are kept for an emergency, so that nothing can be written")
FACTOR = LossKind((ALLOCATION,), "selectors.*.factor", "a mode is a point here, which is what it is at factor 1")
PARTIAL_FACTOR = LossKind(
    (ALLOCATION,), "selectors.*.factor", "a mode is told as it is at factor 1; asked for another, nothing is written"
)


def registration_document(sheet: Sheet, registration: OutputAdjustableRegistration) -> Element:
    """A registration."""
    head = registration_of(sheet, registration)
    commodities = commodities_of(sheet, registration.commodities, COMMODITY, COMMODITIES_ALL)
    return node("outputAdjustableRegistration", *head, commodities)


def read_output_adjustable_registration(source: Source, element: Element) -> tuple[OutputAdjustableRegistration]:
    """A registration."""
    commodities = read_commodities(source, parts(element, "supportedCommodities"))
    return (OutputAdjustableRegistration(**read_registration(source, element), commodities=commodities),)


def description_document(sheet: Sheet, description: OutputAdjustableSystemDescription) -> Element:
    """What the appliance can do."""
    if all(mode.abnormal_condition_only for mode in description.modes):
        sheet.give_up(ALL_EMERGENCY, len(description.modes))
    head = update_of(sheet, description)

    def behaviour(place: int) -> Element:
        mode = description.modes[place]
        return listed("runningModeBehaviour", behaviour_of(sheet, mode, BEHAVIOUR_LOSSES, place))

    graph = graph_of(sheet, description, description.modes, behaviour, GRAPH_LOSSES, "")
    return node("outputAdjustableSystemDescription", *head, *graph)


def read_output_adjustable_description(source: Source, element: Element) -> tuple[OutputAdjustableSystemDescription]:
    """What the appliance can do."""
    modes = part(element, "runningModes")
    if not modes.children:
        source.refuse("no_running_mode", modes, None, "it describes no running mode", "describe one at least")
    told = tuple(
        {
            "mode_id": source.numbered(part(mode, "runningModeId")),
            "label": source.label(part(mode, "runningModeName")),
            **read_behaviour(source, part(mode, "runningModeBehaviour")),
        }
        for mode in once(source, parts(modes, "runningMode"), "runningModeId")
    )
    graph = read_graph(source, modes, part(element, "timers"))
    fields = {**read_update(source, element), "modes": told, **graph}
    return (OutputAdjustableSystemDescription.model_validate(fields),)


def state_document(sheet: Sheet, state: OutputAdjustableStateUpdate) -> Element:
    """How the appliance runs. The schema demands a timer; where there is none, one stands that readers leave out."""
    note_state(sheet, state, STATE_LOSSES)
    timers = timer_updates_of(sheet, state.timers, "")
    none = timer_update(leaf("timerId", str(PLACEHOLDER_TIMER)), state.valid_from)
    return node(
        "outputAdjustableStateUpdate",
        *update_of(sheet, state),
        sheet.numbered("currentRunningModeId", state.mode_id, "mode_id"),
        listed("timerUpdates", timers or [none]),
    )


def read_output_adjustable_state(source: Source, element: Element) -> tuple[OutputAdjustableStateUpdate]:
    """How the appliance runs."""
    return (
        OutputAdjustableStateUpdate(
            **read_update(source, element),
            mode_id=source.numbered(part(element, "currentRunningModeId")),
            timers=read_timer_updates(source, part(element, "timerUpdates"), PLACEHOLDER_TIMER),
        ),
    )


def allocation_document(sheet: Sheet, allocation: OutputAdjustableAllocation) -> Element:
    """Which modes to run; as a whole or not at all."""
    head = allocation_of(sheet, allocation)
    chosen = []
    for place, each in enumerate(allocation.selectors):
        if each.factor is not None and each.factor != 1:
            sheet.give_up(PARTIAL_FACTOR, each.factor, place)
        if each.factor is not None:
            sheet.lose(FACTOR, each.factor, place)
        mode = sheet.numbered("runningModeId", each.mode_id, f"selectors.{place}.mode_id")
        chosen.append(node("runningModeSelectors", mode, instant("startTime", each.start_time)))
    return node("outputAdjustableAllocation", *head, listed("runningModeSelectors", chosen))


def read_output_adjustable_allocation(source: Source, element: Element) -> tuple[OutputAdjustableAllocation]:
    """Which modes to run."""
    selectors = tuple(
        RunningModeSelector(
            mode_id=source.numbered(part(each, "runningModeId")), start_time=source.instant(part(each, "startTime"))
        )
        for each in parts(part(element, "runningModeSelectors"), "runningModeSelectors")
    )
    return (OutputAdjustableAllocation(**read_allocation(source, element), selectors=selectors),)
