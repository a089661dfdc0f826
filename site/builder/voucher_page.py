"""核验凭证: what a gate chooses from, and the public keys the page carries with it."""

from html import escape

from scoring.contract.documents import BenefitsDocument


def choices(document: BenefitsDocument) -> str:
    """One option a live benefit, worth `partner/policy`."""
    options = "\n".join(
        f'<option value="{escape(item.partner)}/{escape(item.id)}">'
        f"{escape(item.partner_name)} · {escape(item.scene)} · {escape(item.id)}</option>"
        for item in document.items
        if item.status == "live"
    )
    return f'<option value="">请选择</option>\n{options}'


def keys(key_set: bytes | None) -> str | None:
    """The key set as a block of data: no browser runs it, and no script can end inside it."""
    if key_set is None:
        return None
    text = key_set.decode("utf-8").replace("<", "\\u003c")
    return f'<script type="application/json" id="voucher-keys">{text}</script>'
