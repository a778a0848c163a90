from services.runtime.restarts import Restarts


def test_each_pause_is_twice_the_one_before_up_to_a_bound():
    restarts = Restarts()
    assert [restarts.pause(1.0, fenced=False) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_a_stage_that_ran_long_begins_with_the_first_pause():
    restarts = Restarts()
    assert [restarts.pause(1.0, fenced=False) for _ in range(3)] == [0.2, 0.4, 0.8]
    assert restarts.pause(61.0, fenced=False) == 0.2


def test_a_fence_waits_until_the_group_has_assigned_the_partition_anew():
    restarts = Restarts()
    assert [restarts.pause(1.0, fenced=True) for _ in range(3)] == [3.0, 6.0, 10.0]
    assert Restarts().pause(61.0, fenced=True) == 3.0
