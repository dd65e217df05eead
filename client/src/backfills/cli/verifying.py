"""Compare what Snowflake unloaded with what each destination has, chunk by chunk, using the job's receipt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from backfills.cli import text
from backfills.cli.text import number, printable

if TYPE_CHECKING:
    from backfills.models import ChunkDelivery, Receipt, ReceiptChunk, ReceiptDestination


@dataclass
class Balance:
    """The rows of one destination, summed over its chunks."""

    uid: str
    type: str
    name: str
    rows_unloaded: int
    rows_delivered: int = 0
    rows_skipped: int = 0
    chunks_delivered: int = 0
    chunks_different: int = 0

    @property
    def left(self) -> int:
        """Return the rows unloaded minus those delivered and skipped: 0 if they balance."""
        return self.rows_unloaded - self.rows_delivered - self.rows_skipped

    @property
    def place(self) -> str:
        return printable(f"{self.type} {self.name}")


@dataclass(frozen=True)
class Difference:
    """A chunk of which a destination has too few or too many rows; ``delivered``: whether it is done."""

    chunk: int
    file: str
    uid: str
    rows_unloaded: int
    rows_delivered: int
    rows_skipped: int
    delivered: bool


@dataclass
class Verdict:
    """``faults``: contradictions between the receipt and its chunks. ``differences``: the first differing
    chunks.
    """

    job_id: str
    status: str
    rows_unloaded: int
    chunks_unloaded: int
    destinations: list[Balance]
    differences: list[Difference] = field(default_factory=list[Difference])
    faults: list[str] = field(default_factory=list[str])

    @property
    def equal(self) -> bool:
        return not self.faults and not any(each.left or each.chunks_different for each in self.destinations)

    def as_json(self) -> dict[str, Any]:
        found = asdict(self)
        for shown, each in zip(found["destinations"], self.destinations, strict=True):
            shown["balance"] = each.left
        return {"equal": self.equal, **found}


def verify(receipt: Receipt, chunks: Iterable[ReceiptChunk], most: int) -> Verdict:
    """Add up the chunks and compare them with the receipt; keep ``most`` of the differences."""
    unload = receipt.unload
    balances = [Balance(each.uid, each.type, each.name, unload.rows) for each in receipt.destinations]
    found = Verdict(receipt.job_id, receipt.status, unload.rows, unload.chunks, balances)
    count = rows = 0
    for chunk in chunks:
        if chunk.chunk != count:
            found.faults.append(f"Chunk {count} is expected next, but {chunk.chunk} follows")
        count, rows = chunk.chunk + 1, rows + chunk.rows
        deliveries = {each.uid: each for each in chunk.deliveries}
        for balance in balances:
            different = _add(balance, chunk, deliveries.get(balance.uid))
            if different and len(found.differences) < most:
                found.differences.append(different)
    if (count, rows) != (unload.chunks, unload.rows):
        found.faults.append(
            f"The chunks are {number(count)} with {number(rows)} rows,"
            f" but Snowflake unloaded {number(unload.chunks)} with {number(unload.rows)}"
        )
    if receipt.status == "completed":
        # For other jobs the sums may change between the two calls.
        for balance, told in zip(balances, receipt.destinations, strict=True):
            found.faults += _contradiction(balance, told)
        if not receipt.balanced and found.equal:
            found.faults.append("The service reports that the receipt does not balance")
    return found


def _add(balance: Balance, chunk: ReceiptChunk, delivery: ChunkDelivery | None) -> Difference | None:
    delivered, skipped = (delivery.rows, delivery.rows_skipped) if delivery else (0, 0)
    done = delivery is not None and delivery.time_done is not None
    balance.rows_delivered += delivered
    balance.rows_skipped += skipped
    balance.chunks_delivered += done
    if done and delivered + skipped == chunk.rows:
        return None
    balance.chunks_different += 1
    return Difference(chunk.chunk, chunk.file, balance.uid, chunk.rows, delivered, skipped, done)


def _contradiction(balance: Balance, told: ReceiptDestination) -> Iterator[str]:
    """Yield a line if the receipt contradicts a destination's chunks."""
    rows, skipped, chunks = told.rows_delivered, told.rows_skipped, told.chunks_delivered
    if (balance.rows_delivered, balance.rows_skipped, balance.chunks_delivered) != (rows, skipped, chunks):
        yield (
            f"{balance.place}: the receipt has {number(rows)} rows delivered and {number(skipped)} skipped"
            f" in {number(chunks)} chunks"
        )


def shown(found: Verdict) -> str:
    """Format for people: a line for each destination, and for each difference."""
    table = [
        [
            each.place,
            number(each.rows_unloaded),
            number(each.rows_delivered),
            number(each.rows_skipped),
            number(each.left),
        ]
        for each in found.destinations
    ]
    places = {each.uid: each.place for each in found.destinations}
    rows, chunks = number(found.rows_unloaded), number(found.chunks_unloaded)
    lines = [
        f"{text.status(found.status)}: {rows} rows unloaded in {chunks} chunks",
        text.table(["DESTINATION", "UNLOADED", "DELIVERED", "SKIPPED", "LEFT"], table),
        *(_line(each, places[each.uid]) for each in found.differences),
    ]
    more = sum(each.chunks_different for each in found.destinations) - len(found.differences)
    if more:
        lines.append(f"and {number(more)} more")
    lines += [printable(fault) for fault in found.faults]
    if found.equal:
        lines.append("Equal: every destination has every row except skipped ones.")
    elif found.status == "transporting":
        lines.append("Different: the job is still running. Verify it again after it has ended.")
    else:
        lines.append("Different: not every destination has all unloaded rows.")
    return "\n".join(lines)


def _line(found: Difference, place: str) -> str:
    has = f"{number(found.rows_delivered)} delivered and {number(found.rows_skipped)} skipped"
    state = f"has {has}" if found.delivered else "does not have it yet"
    rows = number(found.rows_unloaded)
    return f"chunk {found.chunk}, {rows} rows: {place} {state} ({printable(found.file)})"
