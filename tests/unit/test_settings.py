"""Settings: one registry; flags win over the environment; what is wrong is named with what would be right."""

import pytest

from shared.errors import UsageError
from shared.settings import SECRET, Settings, rows


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    import os

    for name in list(os.environ):
        if name.startswith("SCHOLARSTREAM_"):
            monkeypatch.delenv(name)


def test_defaults(tmp_path):
    settings = Settings.load(data_dir=str(tmp_path))
    assert settings.log_url == f"sqlite:///{tmp_path}/log.sqlite"
    assert (settings.host, settings.port, settings.partitions, settings.headline_basis) == (
        "127.0.0.1",
        8080,
        1,
        "references",
    )


def test_a_flag_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("SCHOLARSTREAM_PORT", "9000")
    assert Settings.load().port == 9000
    assert Settings.load(port="9001").port == 9001
    assert Settings.load(port=None).port == 9000


def test_an_empty_variable_is_none(monkeypatch):
    monkeypatch.setenv("SCHOLARSTREAM_PORT", "")
    assert Settings.load().port == 8080


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("port", "65536", "an integer from 0 to 65535"),
        ("port", "http", "an integer from 0 to 65535"),
        ("partitions", "0", "an integer from 1 to 256"),
        ("coalesce_share", "1.5", "a number above 0 to 1"),
        ("coalesce_share", "nan", "a number above 0 to 1"),
        ("log_level", "loud", "debug, info, warning or error"),
        ("log", "mysql://x", "sqlite:///PATH"),
        ("snapshot_papers", "101", "an integer from 1 to 100"),
    ],
)
def test_what_is_wrong_is_named(monkeypatch, name, value, right):
    with pytest.raises(
        UsageError, match=f"--{name.replace('_', '-')}: .*{value}.* is not right; it must be {right}"
    ):
        Settings.load(**{name: value})
    monkeypatch.setenv(f"SCHOLARSTREAM_{name.upper()}", value)
    with pytest.raises(UsageError, match=f"SCHOLARSTREAM_{name.upper()}: .*it must be {right}"):
        Settings.load()


def test_every_wrong_one_is_reported_at_once():
    with pytest.raises(UsageError, match=r"--port: .*; --partitions: "):
        Settings.load(port="x", partitions="x")


def test_they_do_not_change():
    with pytest.raises(Exception, match="frozen"):
        Settings.load().port = 1


def test_every_row_says_what_it_is():
    for row in rows():
        assert row.description.endswith(".") and row.right and row.default
        assert (
            row.flag == (None if row.name in SECRET else "--" + row.name.replace("_", "-"))
            and row.variable == "SCHOLARSTREAM_" + row.name.upper()
        )
