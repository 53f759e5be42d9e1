import pytest

from services.common.settings import SettingsError, load_settings
from services.ingest.settings import IngestSettings


def test_defaults_hold_together() -> None:
    settings = load_settings(IngestSettings)
    assert (settings.port, settings.max_body_bytes, settings.max_in_flight_bytes) == (8080, 8 << 20, 64 << 20)


def test_every_setting_has_a_variable_of_its_own() -> None:
    own = IngestSettings.model_fields.keys() - IngestSettings.__base__.model_fields.keys()  # type: ignore[union-attr]
    for name in own:
        assert IngestSettings.model_fields[name].validation_alias == f"INGEST_{name.upper()}"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("INGEST_PORT", "70000"),
        ("INGEST_MAX_BODY_BYTES", "40000000"),  # more than half of what may be in flight
        ("INGEST_MAX_ATTRIBUTES_BYTES", "10000000"),  # more than a body
        ("INGEST_MAX_ATTRIBUTES_DEPTH", "50"),
        ("INGEST_BODY_TIMEOUT_SECONDS", "0"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=variable):
        load_settings(IngestSettings)
