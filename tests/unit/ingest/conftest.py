from pathlib import Path

import pytest

from services.ingest.settings import IngestSettings


@pytest.fixture
def settings(tmp_path: Path) -> IngestSettings:
    return IngestSettings(data_dir=tmp_path)
