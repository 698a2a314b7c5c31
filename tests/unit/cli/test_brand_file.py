"""Brand files: what is wrong is said field by field."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.brand_file import make_profile, read_toml
from config.settings import ROOT
from domain.brand import BrandProfile
from domain.errors import InvalidBrand
from notifications.send import InvalidAddress


def written(folder: Path, text: str) -> Path:
    path = folder / "brand.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_is_a_brand_and_shows_every_field() -> None:
    path = ROOT / "docs" / "examples" / "brand.toml"
    profile = make_profile(read_toml(path))
    assert profile.name == "Kopi Senja"
    text = path.read_text(encoding="utf-8")
    assert [name for name in BrandProfile.model_fields if name not in text] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "A"\ntime_zone = "Asia/Jakrta"', "time_zone: unknown time zone 'Asia/Jakrta'"),
        ('nama = "A"', "nama: Extra inputs"),
        ("", "name: Field required"),
        ('name = "A"\nwebsite = "kopi"', "website: 'kopi' is not a web address"),
        ('name = "A"\nposting_times = ["7 pm"]', "posting_times: '7 pm' is not a time of day"),
        ('name = "A"\nlanguages = ["fr"]', "languages.0"),
        ('name = "A"\n[market]\nage_from = 200', "market.age_from"),
        ('name = "A"\ndocuments = [3]', "documents.0"),
        ('name = "A"\nposts_per_period = 9\nperiod_days = 1', "9 posts do not fit into 1 days"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidBrand) as refused:
        make_profile(read_toml(written(tmp_path, text)))
    assert said in str(refused.value)


def test_all_wrong_fields_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidBrand) as refused:
        make_profile(read_toml(written(tmp_path, 'time_zone = "X"\nwebsite = "y"')))
    assert all(name in str(refused.value) for name in ("name:", "time_zone:", "website:"))


def test_what_is_no_toml_says_where(tmp_path: Path) -> None:
    with pytest.raises(InvalidBrand, match=r"is not TOML: .*line 1"):
        read_toml(written(tmp_path, "name = Kopi Senja"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidBrand, match="cannot be read: No such file"):
        read_toml(tmp_path / "none.toml")


def test_documents_are_taken_from_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "profile.txt").write_text("Kopi")
    values = read_toml(written(tmp_path, 'name = "A"\ndocuments = ["profile.txt"]'))
    assert values["documents"] == [str(tmp_path.resolve() / "profile.txt")]
    with pytest.raises(InvalidBrand, match=r"other\.txt is not there"):
        read_toml(written(tmp_path, 'name = "A"\ndocuments = ["other.txt"]'))


def test_an_address_that_cannot_be_sent_to_is_refused_without_its_secret() -> None:
    with pytest.raises(InvalidAddress) as refused:
        make_profile({"name": "A", "reports_to": ["nonsense-scheme://me:hidden@x"]})
    assert "hidden" not in str(refused.value)
