"""The errors that cross walls, by what the caller can do: retry, fix the settings, or report."""


class EfpiError(Exception):
    """Something went wrong that has a name; `cure` tells people what to do, `detail_code` names it for programs."""

    def __init__(self, problem: str, cure: str = "", *, detail_code: str = "") -> None:
        super().__init__(f"{problem}; {cure}" if cure else problem)
        self.problem = problem
        self.cure = cure
        self.detail_code = detail_code


class TryAgainError(EfpiError):
    """The world is not ready: a device is silent, a port is in use. The same call may succeed later."""


class SettingsError(EfpiError):
    """A setting is wrong; `path` names it, as `instances.battery.config.port`."""

    def __init__(self, path: str, problem: str, cure: str = "") -> None:
        super().__init__(f"{path}: {problem}" if path else problem, cure)
        self.path = path


class PluginFailure(EfpiError):  # noqa: N818  # it is the plugin that erred, and people know this by that word
    """A plugin broke its contract: raised, hung, sent nonsense, or ended."""


class RefusedError(EfpiError):
    """A request is against the rules, now: no such appliance, already connected, limit in force."""


class OutdatedError(RefusedError):
    """A change was made upon something that was changed meanwhile; look at it, then make the change anew."""
