"""Condition: how an instance or appliance is doing, in a small fixed vocabulary with a detail in words and a cure."""

from enum import StrEnum


class ConditionState(StrEnum):
    """What the rest of the house may expect."""

    OK = "ok"
    """Works."""
    DEGRADED = "degraded"
    """Works in part."""
    OFFLINE = "offline"
    """Out of reach; it will be tried again."""
    MISCONFIGURED = "misconfigured"
    """Cannot work with these settings."""
