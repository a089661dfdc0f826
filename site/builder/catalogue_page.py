"""数据目录: which kinds of records are collected, from whom, field by field."""

from html import escape

from builder.markup import days_in_words, definitions, table
from scoring.contract.documents import CatalogueDocument, CatalogueEntry, CatalogueField

LEVELS = {"national": "国家", "province": "省级", "city": "市级"}
RANGES = {
    "public": "可向社会公开",
    "government": "政务共享",
    "authorised": "本人同意后可查",
    "never": "不公开",
}
SUBJECTS = {"person": "自然人", "organisation": "法人及非法人组织"}


def summary(catalogue: CatalogueDocument) -> str:
    rows = [
        (
            f'<a href="#{_anchor(entry)}">{escape(entry.name)}</a>',
            SUBJECTS[entry.subject_class],
            "本人接通后才归集" if entry.needs_connection_by_citizen else "依法归集",
            f"{entry.retention_days} 天",
        )
        for entry in catalogue.items
    ]
    return table("归集的全部数据种类", ("种类", "主体", "如何归集", "保存"), rows, frozenset({3}))


def sections(catalogue: CatalogueDocument) -> str:
    return "\n\n".join(_section(entry) for entry in catalogue.items)


def _anchor(entry: CatalogueEntry) -> str:
    return f"kind-{entry.id}"


def _section(entry: CatalogueEntry) -> str:
    facts = definitions(
        [
            ("依据", escape(entry.legal_basis)),
            ("来源部门", "、".join(escape(department.name) for department in entry.departments)),
            ("层级", LEVELS[entry.level]),
            ("公开范围", RANGES[entry.publication_range]),
            ("保存期限", days_in_words(entry.retention_days)),
        ]
    )
    fields = table(
        f"{entry.name}的字段",
        ("字段", "代码", "必填", "公开范围"),
        [_field(field) for field in entry.fields],
        frozenset(),
    )
    heading = f"### {escape(entry.name)} {{#{_anchor(entry)}}}"
    return (
        f"{heading}\n\n{facts}\n\n"
        f'<details class="fields"><summary>全部 {len(entry.fields)} 个字段</summary>{fields}</details>'
    )


def _field(field: CatalogueField) -> tuple[str, str, str, str]:
    return (
        escape(field.name),
        f"<code>{escape(field.code)}</code>",
        "是" if field.is_required else "否",
        RANGES[field.publication_range],
    )
