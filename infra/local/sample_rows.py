"""Generated ERC-20 transfers on Base in March 2026, with the edge cases of real ones.

Equal seeds give equal rows. Blocks are spread evenly over the month, with a block at each midnight from
2026-03-01 to 2026-04-01, both included, so that windows of whole days have rows at both bounds.
"""

import bisect
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

START = datetime(2026, 3, 1)  # noqa: DTZ001 - the column has no zone
DAYS = 31
USDC = "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"
ZERO = "0x0000000000000000000000000000000000000000"

_FIRST_BLOCK = 42_745_326
_BLOCK_SECONDS = 2
_LAST_BLOCK = DAYS * 86_400 // _BLOCK_SECONDS
_ROWS_A_BLOCK = 5
_BUSY_SHARE = 100  # one block holds a hundredth of all rows
_LARGEST = 2**256 - 1  # the largest amount that a token's contract can hold


@dataclass(frozen=True)
class Token:
    """A token; ``name``, ``symbol`` and ``decimals`` are None if its contract does not define them."""

    address: str
    name: str | None
    symbol: str | None
    decimals: int | None
    price: float | None
    weight: int


@dataclass(frozen=True)
class Block:
    """A block with the number of transfers in it."""

    number: int
    time: datetime
    hash: str
    rows: int


# Names that must survive all quoting, escaping and encoding.
_KNOWN = (
    Token(USDC, "USD Coin", "USDC", 6, 1.0, 450),
    Token("0x4200000000000000000000000000000000000006", "Wrapped Ether", "WETH", 18, 2_871.44, 180),
    Token("0x940181a94a35a4569e4529a3cdfb74e38fd98631", "Aerodrome", "AERO", 18, 0.6127, 60),
    Token("0xcbb7c0000ab88b473b1f5afd9ef808440eed33bf", "Coinbase Wrapped BTC", "cbBTC", 8, 91_204.5, 50),
    Token("0x50c5725949a6f0c72e6c4a641f24049a917db0cb", "Dai Stablecoin", "DAI", 18, 0.99987, 20),
    Token("0x6f00000000000000000000000000000000000001", "🚀 To The Moon 🌕", "🚀", 9, None, 12),
    Token("0x6f00000000000000000000000000000000000002", 'Bob\'s "Quoted" Token', "B'Q\"", 18, None, 12),
    Token(
        "0x6f00000000000000000000000000000000000003", "tab\there\nline\r\x00\x01\x1f", "CTL\x7f", 18, None, 8
    ),
    Token(
        "0x6f00000000000000000000000000000000000004", "'; DROP TABLE transfers; --", "\\n%s{}", 18, None, 8
    ),
    Token("0x6f00000000000000000000000000000000000005", "通貨 عملة Ünïcödé\u2028", "ﷺ", 2, None, 8),
    Token("0x6f00000000000000000000000000000000000006", "", "", 0, None, 8),
    Token("0x6f00000000000000000000000000000000000007", None, None, None, None, 40),
    Token("0x6f00000000000000000000000000000000000008", "Largest Supply", "MAX", 18, None, 4),
)


def rows(count: int, seed: int) -> Iterator[tuple[object, ...]]:
    """Yield ``count`` transfers in the table's column order, oldest first."""
    chance = random.Random(seed)  # noqa: S311 - made-up data
    tokens = [*_KNOWN, *(_unknown_token(chance, rank) for rank in range(200))]
    weights = list(accumulate(token.weight for token in tokens))
    people = [_hex(chance, 20) for _ in range(max(10, count // 25))]
    for block in _blocks(chance, count):
        yield from _transfers(chance, block, tokens, weights, people)


def _unknown_token(chance: random.Random, rank: int) -> Token:
    name = f"Token {rank}" if rank % 3 else None
    decimals = chance.choice((0, 6, 8, 9, 18)) if name else None
    return Token(_hex(chance, 20), name, name and f"T{rank}", decimals, None, 1 + 20 // (rank + 1))


def _blocks(chance: random.Random, count: int) -> Iterator[Block]:
    """Divide the rows into blocks: one row per midnight, a share for the busy block, the rest at random."""
    midnights = range(0, _LAST_BLOCK + 1, 86_400 // _BLOCK_SECONDS)[:count]
    wanted = max(1, count // _ROWS_A_BLOCK)
    others = (round((place + chance.random()) * _LAST_BLOCK / wanted) for place in range(wanted))
    offsets = sorted({*midnights, *others})
    busy, busy_rows = offsets[len(offsets) // 2], count // _BUSY_SHARE
    rest = max(0, count - len(midnights) - busy_rows)
    places = list(accumulate(chance.expovariate(1) for _ in offsets))
    before = 0
    for offset, place in zip(offsets, places, strict=True):
        after = round(rest * place / places[-1])
        size = after - before + (offset in midnights) + (busy_rows if offset == busy else 0)
        before = after
        if size:
            moment = START + timedelta(seconds=offset * _BLOCK_SECONDS)
            yield Block(_FIRST_BLOCK + offset, moment, _hex(chance, 32), size)


def _transfers(
    chance: random.Random, block: Block, tokens: list[Token], weights: list[int], people: list[str]
) -> Iterator[tuple[object, ...]]:
    log_index, transaction_index = chance.randrange(40), chance.randrange(8)
    left = block.rows
    while left:
        transaction, sender, contract = _hex(chance, 32), chance.choice(people), chance.choice(people)
        for _ in range(min(left, chance.choice((1, 1, 1, 2, 2, 3, 5)))):
            token = tokens[bisect.bisect(weights, chance.random() * weights[-1])]
            source, target = _parties(chance, people)
            yield (
                source,
                target,
                token.address,
                token.name,
                token.symbol,
                *_amounts(chance, token),
                sender,
                None if chance.random() < 0.01 else contract,  # noqa: PLR2004 - it created the contract
                transaction,
                transaction_index,
                log_index,
                block.time,
                block.number,
                block.hash,
                f"base:{transaction}:{log_index}",
            )
            left -= 1
            log_index += chance.randint(1, 4)
        transaction_index += chance.randint(1, 3)


def _parties(chance: random.Random, people: list[str]) -> tuple[str, str]:
    draw = chance.random()
    if draw < 0.03:  # noqa: PLR2004 - mints
        return ZERO, chance.choice(people)
    if draw < 0.05:  # noqa: PLR2004 - burns
        return chance.choice(people), ZERO
    return chance.choice(people), chance.choice(people)


def _amounts(chance: random.Random, token: Token) -> tuple[object, ...]:
    """raw_amount, raw_amount_str, amount, amount_str, usd_amount, usd_exchange_rate."""
    raw = _raw_amount(chance, token)
    if token.decimals is None:
        return float(raw), str(raw), None, None, None, None
    text = _scaled(raw, token.decimals)
    amount = float(text)
    if token.price is None:
        return float(raw), str(raw), amount, text, None, None
    rate = token.price * chance.uniform(0.97, 1.03)
    return float(raw), str(raw), amount, text, amount * rate, rate


def _raw_amount(chance: random.Random, token: Token) -> int:
    draw = chance.random()
    if draw < 0.01:  # noqa: PLR2004 - transfers of nothing are common
        return 0
    if token.symbol == "MAX":
        return chance.choice((_LARGEST, 10**38, 10**38 - 1, 2**64, 2**63, 2**53 + 1, 1))
    millionths = int(10 ** chance.uniform(4, 11))  # of a whole token
    unit: int = 10 ** (token.decimals or 0)
    return max(1, millionths * unit // 10**6)


def _scaled(raw: int, decimals: int) -> str:
    """Return all digits of raw / 10**decimals, without exponent and trailing zeros."""
    digits = str(raw).zfill(decimals + 1)
    whole = len(digits) - decimals
    return f"{digits[:whole]}.{digits[whole:]}".rstrip("0").rstrip(".") if decimals else digits


def _hex(chance: random.Random, size: int) -> str:
    return "0x" + chance.randbytes(size).hex()
