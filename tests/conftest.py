"""What all tests share: hypothesis measures no time, since a busy machine is no fault of the code."""

from hypothesis import HealthCheck, settings

settings.register_profile("efpi", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("efpi")
