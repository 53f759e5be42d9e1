"""The log port on one SQLite file: the default, for one process on one machine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from services.common.log.embedded.lock import FileLock
from services.common.log.embedded.reader import EmbeddedReader
from services.common.log.embedded.retention import Retention
from services.common.log.embedded.schema import connect, prepare
from services.common.log.embedded.writer import Ownership, Unit, Writer
from services.common.log.port import (
    Claim,
    GroupObserver,
    LogFull,
    LogUnavailable,
    NewRecord,
    Record,
)
from services.common.log.reading import read_to_end
from services.common.log.topics import TOPICS, TopicSpec

_IDLE_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 1.0


class EmbeddedLog(EmbeddedReader):
    """The port's `Log`. One process at a time writes a file; the lock is held until `close` or the process's end."""

    def __init__(
        self,
        path: Path,
        partitions: int,
        topics: Sequence[TopicSpec] = TOPICS,
        retention: Retention | None = None,
    ) -> None:
        """Open or create the log; needs a running event loop.

        Raises `LogLocked`, or `LogError` for a file that does not fit.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(path.with_name(path.name + ".lock"))
        try:
            db = connect(path)
            prepare(db, path, topics, partitions)
            super().__init__(path)
        except BaseException:
            self._lock.release()
            raise
        self._db = db
        self._retention = retention or Retention(topics)
        self.ends: dict[int, int] = dict(db.execute("SELECT id, next_offset FROM partitions"))
        self._grown: dict[int, asyncio.Event] = {partition_id: asyncio.Event() for partition_id in self.ends}
        ids = {(topic, n): pid for topic in self.topics() for n, pid in enumerate(self.partition_ids(topic))}
        self.writer = Writer(db, ids, self._on_commit, self._retention.step)
        self._claims: set[EmbeddedClaim] = set()
        self._stopping = False

    async def append(self, records: Sequence[NewRecord]) -> None:
        """See `Log.append`."""
        if self._retention.full:
            raise LogFull(
                "the log has reached LOG_MAX_BYTES, and what it holds is still to be read or must be kept: try again"
                " later; if it stays so, see which group lags (`mention-triage topics`), or raise LOG_MAX_BYTES"
            )
        await self.writer.submit(Unit(records))

    async def claim(self, group: str, topic: str, partition: int) -> "EmbeddedClaim":
        """See `Log.claim`."""
        partition_id = self.partition_ids(topic)[partition]
        owner = self.writer.take_over(group, partition_id)
        for older in [
            claim for claim in self._claims if claim.owner.group == group and claim.owner.partition_id == partition_id
        ]:
            older.revoke()
        # Goes through the writer behind the old owner's last unit: the offset read afterwards is final.
        await self.writer.submit(Unit((), owner, register=True))
        select = "SELECT next_offset FROM groups WHERE name = ? AND partition_id = ?"
        (offset,) = await self.run(lambda db: db.execute(select, (group, partition_id)).fetchone())
        claim = EmbeddedClaim(self, owner, topic, partition, offset)
        self._claims.add(claim)
        if self._stopping:
            claim.revoke()
        return claim

    async def consume(
        self,
        group: str,
        topic: str,
        work: Callable[[Claim], Awaitable[None]],
        observer: GroupObserver | None = None,  # noqa: ARG002 - there is nothing to tell
    ) -> None:
        """See `Log.consume`. Every partition is assigned here: there is only this process."""
        claims = [await self._claim_patiently(group, topic, partition) for partition in range(self.partitions(topic))]
        tasks = [asyncio.ensure_future(work(claim)) for claim in claims]
        try:
            done, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            if running:  # one failed: let the others finish the batch in hand
                for claim in claims:
                    claim.revoke()
                await asyncio.wait(running)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._claims.difference_update(claims)

    async def _claim_patiently(self, group: str, topic: str, partition: int) -> "EmbeddedClaim":
        while True:
            try:
                return await self.claim(group, topic, partition)
            except LogUnavailable:
                if self._stopping:
                    raise
                await asyncio.sleep(_RETRY_SECONDS)

    def stop_consuming(self) -> None:
        """See `Log.stop_consuming`."""
        self._stopping = True
        for claim in self._claims:
            claim.revoke()

    async def close(self) -> None:
        """See `Log.close`."""
        self.stop_consuming()
        await self.writer.close()
        await super().close()
        self._db.close()
        self._lock.release()

    async def grown(self, partition_id: int, seconds: float) -> None:
        """Wait until the partition has grown or a claim was revoked, at most `seconds`."""
        event = self._grown[partition_id]
        event.clear()
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass

    def wake(self, partition_id: int) -> None:
        """Wake who waits for the partition."""
        self._grown[partition_id].set()

    def _on_commit(self, ends: dict[int, int]) -> None:
        self.ends.update(ends)
        for partition_id in ends:
            self._grown[partition_id].set()


class EmbeddedClaim:
    """The port's `Claim`."""

    def __init__(self, log: EmbeddedLog, owner: Ownership, topic: str, partition: int, offset: int) -> None:
        self._log = log
        self.owner: Final = owner
        self.group = owner.group
        self.topic = topic
        self.partition = partition
        self._position = offset
        self._revoked = False

    @property
    def revoked(self) -> bool:
        """See `Claim.revoked`."""
        return self._revoked

    @property
    def position(self) -> int:
        """See `Claim.position`."""
        return self._position

    def revoke(self) -> None:
        """Ask the worker to give the partition up."""
        self._revoked = True
        self._log.wake(self.owner.partition_id)

    async def fetch(self, max_records: int, max_bytes: int) -> Sequence[Record]:
        """See `Claim.fetch`."""
        partition_id, start = self.owner.partition_id, self._position
        if self._log.ends[partition_id] <= start and not self._revoked:
            await self._log.grown(partition_id, _IDLE_SECONDS)
        if self._revoked or self._log.ends[partition_id] <= start:
            return []
        records = await self._log.read(self.topic, self.partition, start, max_records, max_bytes)
        self._position = records[-1].offset + 1
        return records

    async def commit(self, outputs: Sequence[NewRecord], next_offset: int) -> int:
        """See `Claim.commit`."""
        await self._log.writer.submit(Unit(outputs, self.owner, next_offset))
        return next_offset

    async def state(self, topic: str) -> AsyncIterator[Sequence[Record]]:
        """See `Claim.state`."""
        async for records in read_to_end(self._log, topic, self.partition, 0):
            yield records
