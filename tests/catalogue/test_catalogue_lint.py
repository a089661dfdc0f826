"""What the catalogue refuses, and that the city's own passes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from scoring.catalogue import load_catalogue, published_document
from scoring.catalogue.lint import lint_catalogue
from scoring.catalogue.loading import CATALOGUE_FOLDER, read_catalogue
from scoring.contract.documents import CatalogueDocument
from scoring.errors import InputRefused
from scoring.lake.tables import OUTCOMES


def _catalogue_with(folder: Path, entry: str, change: Callable[[str], str]) -> Path:
    shutil.copytree(CATALOGUE_FOLDER / "entries", folder / "entries")
    shutil.copy(CATALOGUE_FOLDER / "catalogue.toml", folder)
    path = folder / "entries" / f"{entry}.toml"
    text = path.read_text(encoding="utf-8")
    changed = change(text)
    assert changed != text
    path.write_text(changed, encoding="utf-8")
    return folder


def test_the_city_catalogue_has_nothing_to_refuse() -> None:
    assert lint_catalogue(read_catalogue()) == []


def test_every_kind_the_lake_knows_is_in_the_catalogue() -> None:
    persons = {kind.id for kind in load_catalogue().kinds if kind.subject_class == "person"}
    assert persons == set(OUTCOMES)


def test_the_published_document_keeps_its_form() -> None:
    document = published_document(load_catalogue())
    again = msgspec.json.decode(msgspec.json.encode(document), type=CatalogueDocument)
    assert again == document
    assert all(entry.legal_basis and entry.departments for entry in again.items)


def test_id_numbers_and_names_of_persons_are_never_published() -> None:
    for kind in load_catalogue().kinds:
        for field in kind.fields:
            if kind.subject_class == "person" and (
                field.type == "id_number" or "名称" in field.name
            ):
                is_name = field.code in ("承诺人名称", "CF_XDR_MC") or field.type == "id_number"
                assert not is_name or field.publication_range == "never", field.code


def _replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


def _with_field(code: str, name: str) -> Callable[[str], str]:
    line = (
        f'fields = [\n  {{ code = "{code}", name = "{name}", type = "text", '
        'max_chars = 9, publication_range = "never" },'
    )
    return _replaced("fields = [", line)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (
            _replaced('departments = ["market', 'departments = ["unheard_of", "market'),
            "department_unknown",
        ),
        (_replaced("retention_days = 1460", "retention_days = 0"), "retention_missing"),
        (
            _replaced('publication_range = "authorised"', 'publication_range = "public"'),
            "person_public",
        ),
        (_replaced('record_key = ["RY_BH"]', 'record_key = ["RY_NO"]'), "field_unknown"),
        (_replaced('record_key = ["RY_BH"]', "record_key = []"), "record_key_missing"),
        (_replaced('"国家级" = "awarded"', '"国家级" = "praised"'), "outcome_unknown"),
        (_replaced('"省级", "国家级"]', '"省级", "国家级", "区级"]'), "outcome_unmapped"),
        (_with_field("XDR_XB", "某项"), "forbidden_input"),
        (_with_field("QT_1", "婚姻状况"), "forbidden_input"),
        (_with_field("QT_1", "无偿献血次数"), "forbidden_input"),
        (_with_field("QT_1", "家庭住址"), "forbidden_input"),
        (_with_field("volunteer_hours", "时长"), "forbidden_input"),
        (_replaced('name = "法定守信荣誉"', 'name = "文明养犬荣誉"'), "forbidden_input"),
        (
            _replaced('"国家级"], publication', '"国家级", "志愿服务"], publication'),
            "forbidden_input",
        ),
    ],
)
def test_an_entry_without_its_due_is_refused(
    change: Callable[[str], str], rule: str, tmp_path: Path
) -> None:
    folder = _catalogue_with(tmp_path, "honour", change)
    with pytest.raises(InputRefused, match=rule):
        load_catalogue(folder)


@pytest.mark.parametrize("member", ["legal_basis", "departments", "retention_days", "level"])
def test_an_entry_that_lacks_a_member_is_refused_by_name(member: str, tmp_path: Path) -> None:
    def without(text: str) -> str:
        return "\n".join(line for line in text.split("\n") if not line.startswith(f"{member} ="))

    folder = _catalogue_with(tmp_path, "penalty", without)
    with pytest.raises(InputRefused, match=member) as refused:
        load_catalogue(folder)
    assert "penalty.toml" in refused.value.where


def test_an_empty_legal_basis_is_no_legal_basis(tmp_path: Path) -> None:
    def emptied(text: str) -> str:
        start = text.index('legal_basis = "') + len('legal_basis = "')
        return text[:start] + " " + text[text.index('"', start) :]

    with pytest.raises(InputRefused, match="legal_basis_missing"):
        load_catalogue(_catalogue_with(tmp_path, "commitment", emptied))
