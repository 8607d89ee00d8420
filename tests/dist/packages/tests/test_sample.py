import pytest


def test_passes(tmp_path):
    assert tmp_path.is_dir()


def test_fails():
    items = [1, 2]
    assert items == [1, 3]


@pytest.mark.parametrize("number", [1, 2])
def test_numbers(number):
    assert number
