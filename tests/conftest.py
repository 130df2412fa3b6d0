"""What all tests share: hypothesis measures no time, since a busy machine is no fault of the code."""

import signal

from hypothesis import HealthCheck, settings

settings.register_profile("efpi", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("efpi")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background deaf to Ctrl-C, and the gateways of the tests would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
