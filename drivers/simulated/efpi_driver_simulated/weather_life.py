"""What the appliances that stand in the weather share."""

from efpi_core.plugin.plugin import ConfigT
from efpi_driver_simulated.life import Lifelike
from efpi_driver_simulated.settings import WeatherSettings, place_of
from efpi_driver_simulated.sources import built_in_weather, weather_of
from efpi_driver_simulated.weather import Weather
from efpi_driver_simulated.worker import NoTableError


class WeatherLife(Lifelike[ConfigT]):
    """A simulated appliance with the weather of its site."""

    weather: Weather

    async def prepare(self) -> None:
        """Get the weather; where a table cannot be made the built-in model serves, and the state says so."""
        await super().prepare()
        settings = self.settings
        if not isinstance(settings, WeatherSettings):
            raise TypeError(f"{type(self).__name__} needs WeatherSettings")
        place = place_of(self.context.site)
        try:
            self.weather = await weather_of(place, settings.wanted(live=self.live))
        except NoTableError as error:
            self.weather = built_in_weather(place, settings.weather_seed)
            self.degraded = (f"{error.problem}; the built-in weather is used", error.cure)
