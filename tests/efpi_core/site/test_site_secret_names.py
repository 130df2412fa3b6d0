from efpi_core.plugin.config import PluginConfig, SecretName, setting


class Box(PluginConfig):
    token: SecretName = setting(title="Token")


def test_a_setting_that_names_a_secret_says_so_in_its_schema() -> None:
    assert Box.model_json_schema()["properties"]["token"]["secret"] is True
