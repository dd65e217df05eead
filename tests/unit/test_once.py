"""What a function is made of is built once a process, at its first request."""

from concurrent.futures import ThreadPoolExecutor

from shared.bootstrap.once import Once


def test_whichever_requests_come_first_all_get_the_same_part() -> None:
    once = Once(object)
    with ThreadPoolExecutor(8) as pool:
        parts = set(pool.map(lambda _: once(), range(32)))
    assert len(parts) == 1


def test_nothing_is_built_before_the_first_request() -> None:
    built: list[int] = []
    Once(lambda: built.append(1))
    assert built == []
