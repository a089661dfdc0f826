"""隐私告知: the notice citizens read before enrolling, word for word, with its digest; its versions."""

import datetime as dt
from html import escape

from api.ledger.notice import NoticeChange, NoticeDocument, Notices
from builder.markup import definitions, time_of


def notice(document: NoticeDocument) -> str:
    facts = definitions(
        [
            ("告知书版本", f"<code>{escape(document.version)}</code>"),
            ("施行日期", time_of(document.effective_on)),
            ("全文摘要", f"SHA-256 <code>{document.sha256}</code>"),
        ]
    )
    items = "\n\n".join(
        f"### {item.title} {{#notice-{item.code}}}\n\n{item.text}\n\n"
        f'<p class="note">依据：{escape(item.basis)}</p>'
        for item in document.items
    )
    return f"{facts}\n\n{items}"


def versions(notices: Notices, day: dt.date) -> str:
    """Every version announced until that day, newest first, with what it changed."""
    told = [edition for edition in notices.editions() if edition.announced_on <= day]
    changes = [
        notices.change(before.version, edition.version)
        for before, edition in zip([*told[:1], *told], told, strict=False)
    ]
    in_force = notices.version_on(day)
    return "\n\n".join(
        _version(change, notices.document(change.to_version), day, in_force)
        for change in reversed(changes)
    )


def _version(change: NoticeChange, document: NoticeDocument, day: dt.date, in_force: str) -> str:
    facts = definitions(
        [
            ("公布日期", time_of(change.announced_on)),
            ("施行日期", time_of(change.effective_on)),
            ("状态", _state(change, day, in_force)),
            ("重新征求同意", _asking(change)),
            ("全文摘要", f"SHA-256 <code>{document.sha256}</code>"),
        ]
    )
    title = f"### {document.title}（{change.to_version}） {{#notice-{change.to_version}}}"
    lines = "".join(f"<li>{escape(each.text.zh)}</li>" for each in change.changes)
    differences = (
        f"<p>与 {escape(change.from_version)} 版相比：</p><ul>{lines}</ul>" if lines else ""
    )
    text = _in_full(document) if change.effective_on > day else ""
    return "\n\n".join(part for part in (title, facts, differences, text) if part)


def _in_full(document: NoticeDocument) -> str:
    """Of a version to come: read here before it is agreed to."""
    return "\n\n".join(
        f"#### {item.title} {{#notice-{document.version}-{item.code}}}\n\n{item.text}\n\n"
        f'<p class="note">依据：{escape(item.basis)}</p>'
        for item in document.items
    )


def _state(change: NoticeChange, day: dt.date, in_force: str) -> str:
    if change.to_version == in_force:
        return "现行有效"
    return "已公布，尚未施行" if change.effective_on > day else "已被取代"


def _asking(change: NoticeChange) -> str:
    if change.from_version == change.to_version:
        return "首个版本"
    return "是，重大变更" if change.is_material else "否，不是重大变更"
