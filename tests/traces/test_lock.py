"""Who may write a file: one, whatever happens between two calls."""

from __future__ import annotations

import os

import pytest

from neuromorph.traces import lock


def test_what_a_dead_writer_left_is_cleared_only_if_asked(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"left")
    with pytest.raises(BlockingIOError, match="another process has made it"):
        lock.claim(path, clear=False)
    assert path.read_bytes() == b"left"
    os.close(lock.claim(path, clear=True))
    assert path.read_bytes() == b""


def test_a_living_writer_is_left_alone(tmp_path):
    path = tmp_path / "a"
    held = lock.claim(path, clear=True)
    with pytest.raises(BlockingIOError, match="Resource temporarily unavailable"):
        lock.claim(path, clear=True)
    assert lock.is_at(held, path)
    os.close(held)


def test_a_file_that_another_takes_before_it_is_locked(tmp_path, monkeypatch):
    def hold_late(descriptor, how):
        with monkeypatch.context() as patch:
            patch.setattr(lock, "hold", hold)
            others.append(os.open(tmp_path / "a", os.O_RDWR))
            hold(others[0], lock.ALONE)
        hold(descriptor, how)

    hold, others = lock.hold, []
    monkeypatch.setattr(lock, "hold", hold_late)
    with pytest.raises(BlockingIOError):
        lock.claim(tmp_path / "a", clear=True)
    assert lock.is_at(others[0], tmp_path / "a")
    os.close(others[0])


def test_a_file_that_goes_while_it_is_looked_at(tmp_path, monkeypatch):
    """Another process has cleared it, and made one of its own."""

    def hold_late(descriptor, how):
        with monkeypatch.context() as patch:
            patch.setattr(lock, "hold", hold)
            path.unlink()
            others.append(lock.claim(path, clear=False))
        hold(descriptor, how)

    path = tmp_path / "a"
    path.write_bytes(b"left")
    hold, others = lock.hold, []
    monkeypatch.setattr(lock, "hold", hold_late)
    with pytest.raises(BlockingIOError):
        lock.claim(path, clear=True)
    assert lock.is_at(others[0], path)
    os.close(others[0])
