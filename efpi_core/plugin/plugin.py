"""A plugin's class as the gateway sees it: a driver or an app, with its settings and its life."""

from typing import ClassVar, Generic, TypeVar, cast, get_args

from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.context import Context

ConfigT = TypeVar("ConfigT", bound=PluginConfig)


class Plugin(Generic[ConfigT]):
    """What drivers and apps share. The docstring of the author's class is its description for people."""

    offer_name: ClassVar[str]
    """The name by which a site asks for it, as "p1" or "simulated.battery"."""
    title: ClassVar[str]
    """Its name for people."""
    memory_mb: ClassVar[int] = 256
    """What one instance may take of memory before it counts as leaking, and is started anew; in MB."""
    cpu_share: ClassVar[float] = 0.5
    """What one instance may take of one core, over half a minute; beyond it, it comes after the others."""

    config: ConfigT
    context: Context

    @classmethod
    def config_type(cls) -> type[PluginConfig]:
        """The config model, as given in the class's brackets: `StorageDriver[MyConfig]`."""
        for origin in cls.__mro__:
            for base in getattr(origin, "__orig_bases__", ()):
                for argument in get_args(base):
                    if isinstance(argument, type) and issubclass(argument, PluginConfig):
                        return argument
        return PluginConfig

    def install(self, config: PluginConfig, context: Context) -> None:
        """Take settings and context; for the host, before `start`."""
        self.config = cast(ConfigT, config)
        self.context = context

    async def start(self) -> None:
        """Begin to work; what takes long or may fail for now belongs into a poll."""

    async def stop(self) -> None:
        """End: close what is open. The safe states were visited before."""
