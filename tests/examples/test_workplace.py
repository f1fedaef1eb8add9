from pathlib import Path

import pytest

from examples.three_organisations.workplace import InUse, free_ports, workplace


def test_the_folder_is_gone_afterwards(tmp_path: Path) -> None:
    place = tmp_path / "work"
    with workplace(place) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "file").touch()
    assert not place.exists()


def test_it_is_gone_also_after_an_error(tmp_path: Path) -> None:
    place = tmp_path / "work"
    with pytest.raises(ZeroDivisionError), workplace(place):
        raise ZeroDivisionError
    assert not place.exists()


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with workplace(tmp_path / "work") as folder:
        (folder / "mine").touch()
        with pytest.raises(InUse, match="another demo runs"), workplace(folder):
            pass
        assert (folder / "mine").exists()


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    left = tmp_path / "work"
    (left / "arrays").mkdir(parents=True)
    (left / "lock").touch()
    with workplace(left) as folder:
        assert [entry.name for entry in folder.iterdir()] == ["lock"]


def test_a_folder_with_somebody_s_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InUse, match="other files"), workplace(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_ports_are_all_different() -> None:
    assert len(set(free_ports(6))) == 6
