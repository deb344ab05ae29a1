"""Compiled kernels are run as code, so that nobody else may write where they are kept."""

from __future__ import annotations

import os

import pytest

from neuromorph import private
from neuromorph.errors import InputError
from neuromorph.private import private_folder


def test_a_new_folder_is_for_its_user_alone(tmp_path):
    before = os.umask(0o002)
    try:
        folder = private_folder(tmp_path / "cache" / "kernels")
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert private_folder(folder) == folder


@pytest.mark.parametrize("mode", [0o770, 0o702])
@pytest.mark.parametrize("which", ["folder", "parent"])
def test_others_may_not_write(tmp_path, mode, which):
    folder = private_folder(tmp_path / "cache" / "kernels")
    place = folder if which == "folder" else folder.parent
    place.chmod(mode)
    with pytest.raises(InputError) as caught:
        private_folder(folder)
    said = str(caught.value)
    assert said.startswith(f"{place}: compiled kernels are run as code, and others may write there. Run: chmod go-w ")
    assert "or set NEUROMORPH_CACHE_DIR to a folder of your own." in said


def test_above_it_a_folder_like_tmp_will_do(tmp_path):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    folder = private_folder(tmp_path / "tmp" / "kernels")
    folder.chmod(0o1777)
    with pytest.raises(InputError, match="others may write there"):
        private_folder(folder)


def test_a_folder_of_somebody_else(tmp_path, monkeypatch):
    folder = private_folder(tmp_path / "kernels")
    owner = folder.stat().st_uid
    monkeypatch.setattr(private, "_ROOT", -1)
    monkeypatch.setattr(private.os, "geteuid", lambda: owner + 1)
    with pytest.raises(InputError, match=f"it belongs to another user \\(number {owner}\\)"):
        private_folder(folder)
