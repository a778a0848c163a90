"""For every test: examples may take their time on a busy machine, and a failure says how to get it again."""

from hypothesis import HealthCheck, settings

settings.register_profile("here", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")
