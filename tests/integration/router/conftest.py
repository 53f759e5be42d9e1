from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.router.world import World


@pytest.fixture
async def router(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.start()
    yield world
    await world.stop()
