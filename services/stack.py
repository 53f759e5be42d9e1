"""Starting the services: each in a process of its own, or all three in one on the embedded log (`mention-triage up`).

The services are imported where they are started: an ingest image carries no model runtime.
"""
# ruff: noqa: PLC0415

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

import structlog

from services.common.files import replace_file
from services.common.http.keys import Authenticator, KeyFile
from services.common.log.opening import open_log
from services.common.log.port import Log
from services.common.ready import FILE_NAME, Ready
from services.common.service import Service, serve
from services.common.settings import CommonSettings, load_settings
from services.common.telemetry.logging import configure_logging

log = structlog.get_logger()

S = TypeVar("S", bound=CommonSettings)

DEMO_TENANT: Final = "demo"


async def run_ingest() -> None:
    """Run ingest until a signal."""
    from services.ingest.service import build_ingest
    from services.ingest.settings import IngestSettings

    await _run(IngestSettings, build_ingest)


async def run_classify() -> None:
    """Run classify until a signal."""
    from services.classify.service import build_classify
    from services.classify.settings import ClassifySettings

    await _run(ClassifySettings, build_classify)


async def run_router() -> None:
    """Run the router until a signal."""
    from services.router.service import build_router
    from services.router.settings import RouterSettings

    await _run(RouterSettings, build_router)


async def run_up(on_ready: Callable[[Ready], None] | None = None) -> None:
    """Run all three in this process until a signal; calls `on_ready` and writes `ready.json` once all is up."""
    from services.classify.service import build_classify
    from services.classify.settings import ClassifySettings
    from services.ingest.service import build_ingest
    from services.ingest.settings import IngestSettings
    from services.router.service import build_router
    from services.router.settings import RouterSettings

    common = load_settings(CommonSettings)
    configure_logging(common.log_level or "warning")
    ready_file = common.data_dir / FILE_NAME
    common.data_dir.mkdir(parents=True, exist_ok=True)
    log_ = await open_log(common)  # first: a second `up` on this folder must not touch the running one's file
    ready_file.unlink(missing_ok=True)
    key = _demo_key(common)
    authenticator = Authenticator(KeyFile(common.path_of_keys))
    ingest = await build_ingest(load_settings(IngestSettings), log_, authenticator)
    classify = await build_classify(load_settings(ClassifySettings), log_, authenticator)
    router = await build_router(load_settings(RouterSettings), log_, authenticator)
    info = Ready(_url(ingest), _url(classify), _url(router), key)

    def announce() -> None:
        replace_file(ready_file, info.dumps())
        if on_ready:
            on_ready(info)

    try:
        await serve(log_, [ingest, classify, router], announce)
    finally:
        ready_file.unlink(missing_ok=True)


async def _run(kind: type[S], build: Callable[[S, Log, Authenticator], Awaitable[Service]]) -> None:
    settings = load_settings(kind)
    configure_logging(settings.log_level or "info")
    log_ = await open_log(settings)
    service = await build(settings, log_, Authenticator(KeyFile(settings.path_of_keys)))
    log.info("settings", **settings.model_dump(mode="json"))
    await serve(log_, [service], lambda: log.info("ready", url=_url(service)))


def _url(service: Service) -> str:
    return f"http://{service.host}:{service.port}"


def _demo_key(settings: CommonSettings) -> str:
    """The key kept in `demo.key`, or a new one of the tenant `demo` where there is none or it is no longer valid."""
    file, keys = settings.data_dir / "demo.key", KeyFile(settings.path_of_keys)
    with suppress(FileNotFoundError):
        key = file.read_text().strip()
        if Authenticator(keys).tenant_of(key) is not None:
            return key
    key = keys.add(DEMO_TENANT)
    replace_file(file, key + "\n")
    return key
