"""Dishwashing programs for 13 place settings: cleaning with heating, rinsing with heating, drying."""

from efpi_driver_simulated.physics.program import Program, Sequence, Step

MINUTE = 60.0
HOT_50 = (Step(12 * MINUTE, 60.0), Step(13 * MINUTE, 1850.0), Step(8 * MINUTE, 60.0))
HOT_70 = (Step(10 * MINUTE, 70.0), Step(16 * MINUTE, 1950.0), Step(6 * MINUTE, 70.0))

ECO_50 = Program(
    "Eco 50 °C",
    (
        Sequence("Clean", (Step(10 * MINUTE, 60.0), Step(16 * MINUTE, 1900.0), Step(70 * MINUTE, 65.0))),
        Sequence("Hot rinse", HOT_50, gap_s=40 * MINUTE),
        Sequence("Dry", (Step(66 * MINUTE, 25.0),), gap_s=5 * MINUTE, pause_s=60 * MINUTE),
    ),
)
INTENSIVE_70 = Program(
    "Intensive 70 °C",
    (
        Sequence("Soak", (Step(12 * MINUTE, 75.0),), pause_s=60 * MINUTE),
        Sequence("Clean", (Step(27 * MINUTE, 2000.0), Step(32 * MINUTE, 80.0)), gap_s=60 * MINUTE),
        Sequence("Hot rinse", HOT_70, gap_s=40 * MINUTE),
        Sequence("Dry", (Step(28 * MINUTE, 40.0),), gap_s=5 * MINUTE, pause_s=60 * MINUTE),
    ),
)

PROGRAMS = (ECO_50, ECO_50, ECO_50, INTENSIVE_70)
"""What a household chooses from; a program listed twice is chosen twice as often."""
