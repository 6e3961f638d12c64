import threading

import pytest

from curate.threads import Behind, Overlapped, ahead, in_threads, threads, use_threads


@pytest.fixture(params=[1, 2])
def count(request):
    use_threads(request.param)
    yield request.param
    use_threads(1)


def failing(items, error):
    yield from items
    raise error


def test_parts_are_worked_on_in_order(count):
    assert threads() == count
    assert in_threads(lambda part: part * 2, [3, 1, 2]) == [6, 2, 4]


def test_items_come_in_order_and_errors_in_their_place(count):
    assert list(ahead(iter([]))) == []
    assert list(ahead(iter([3, None, 0, 2]))) == [3, None, 0, 2]
    items = ahead(failing([1, 2], OSError("gone")))
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(OSError, match="gone"):
        next(items)


def test_the_next_item_is_made_while_the_caller_works_and_no_more():
    made = [threading.Event() for _ in range(4)]

    def items():
        for event in made:
            event.set()
            yield event

    use_threads(2)
    try:
        reading = ahead(items())
        next(reading)
        assert made[1].wait(10)
        assert not made[2].wait(0.05)
    finally:
        use_threads(1)


def test_what_has_begun_goes_on_when_another_run_takes_the_threads():
    use_threads(2)
    try:
        reading = ahead(iter(range(4)))
        next(reading)
        use_threads(1)
        assert list(reading) == [1, 2, 3]
    finally:
        use_threads(1)


def test_calls_run_one_after_the_other_and_errors_are_raised(count):
    done: list[int] = []
    behind = Behind()
    for number in range(20):
        behind.run(lambda number=number: done.append(number))
    behind.wait()
    assert done == list(range(20))

    def fail():
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        behind.run(fail)
        behind.wait()
    behind.wait()  # told once


def test_a_call_runs_while_the_caller_goes_on():
    go_on = threading.Event()
    use_threads(2)
    try:
        behind = Behind()
        behind.run(lambda: go_on.wait(10) or pytest.fail("the caller waited"))
        go_on.set()
        behind.wait()
    finally:
        use_threads(1)


def test_results_of_overlapped_calls_come_in_order(count):
    calls = Overlapped()
    found = [result for number in range(7) for result in calls.run(lambda number=number: number * 2)]
    assert found == [0, 2, 4, 6, 8, 10, 12][: 7 if count == 1 else 5]
    assert [*found, *calls.rest()] == [0, 2, 4, 6, 8, 10, 12]
    assert list(calls.rest()) == []


def test_overlapped_calls_run_at_the_same_time():
    use_threads(2)
    try:
        both = threading.Barrier(2, timeout=10)
        calls = Overlapped()
        assert list(calls.run(both.wait)) + list(calls.run(both.wait)) == []
        assert sorted(calls.rest()) == [0, 1]
    finally:
        use_threads(1)


def test_errors_of_overlapped_calls_come_in_their_place(count):
    calls = Overlapped()

    def fail():
        raise OSError("gone")

    found = list(calls.run(lambda: 1))
    with pytest.raises(OSError, match="gone"):
        found += calls.run(fail)
        found += calls.rest()
    assert found in ([1], [])


def test_work_within_a_thread_of_the_pool_waits_for_nobody(count):
    calls = Overlapped()
    nested = [*calls.run(lambda: (threads(), in_threads(str, [1, 2, 3]), list(ahead(iter([4]))))), *calls.rest()]
    assert nested == [(1, ["1", "2", "3"], [4])]
