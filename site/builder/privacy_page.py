"""隐私告知: the notice citizens read before enrolling, word for word, with its digest."""

from html import escape

from api.ledger.notice import NoticeDocument
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
