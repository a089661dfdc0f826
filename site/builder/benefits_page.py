"""守信激励: what partners open, to whom, on which basis, until when."""

from html import escape

from builder.markup import definitions, table, time_of
from scoring.benefits.load import load_benefits
from scoring.contract.documents import Benefit, BenefitsDocument

STATUS = {"planned": "筹备中", "live": "开放中", "paused": "暂停", "ended": "已结束"}
TYPES = {
    "fee_cut": "费用减免",
    "deposit_waiver": "免押金",
    "fast_lane": "优先办理",
    "pay_later": "先用后付",
    "longer_loan": "延长借期",
    "simpler_papers": "容缺受理",
}
CLASSES = {"convenience": "便利服务", "commercial": "商业服务", "cultural": "文化服务"}


def summary(benefits: BenefitsDocument) -> str:
    rows = [
        (
            f'<a href="#{_anchor(item)}">{escape(item.scene)}</a>',
            escape(item.partner_name),
            TYPES[item.benefit_type],
            f"{item.threshold}",
            _badge(item),
        )
        for item in benefits.items
    ]
    return table(
        "全部守信激励", ("场景", "合作方", "优惠", "所需分数", "状态"), rows, frozenset({3})
    )


def cards(benefits: BenefitsDocument) -> str:
    """A purpose is named as the register names it; partners ask by its code, which stands beside."""
    purposes = {purpose.code: purpose.name for purpose in load_benefits().purposes}
    return "\n\n".join(_card(item, purposes) for item in benefits.items)


def home(benefits: BenefitsDocument) -> str:
    """At most six live scenes, for the home page."""
    live = [item for item in benefits.items if item.status == "live"][:6]
    items = "".join(
        f'<li><a href="benefits/#{_anchor(item)}"><strong>{escape(item.scene)} · {escape(item.partner_name)}</strong>'
        f"<span>{escape(item.what)}</span><em>{item.threshold} 分起 · {TYPES[item.benefit_type]}</em></a></li>"
        for item in live
    )
    return f'<ul class="scenes">{items}</ul>'


def _anchor(item: Benefit) -> str:
    return f"benefit-{item.id}"


def _badge(item: Benefit) -> str:
    ended = "" if item.status == "live" else " status--ended"
    return f'<span class="status{ended}">{STATUS[item.status]}</span>'


def _card(item: Benefit, purposes: dict[str, str]) -> str:
    facts = definitions(
        [
            ("您得到什么", escape(item.what)),
            ("合作方", escape(item.partner_name)),
            ("所需分数", f"{item.threshold} 分"),
            ("不加入或未达到", "照常使用原有服务，条件不变"),
            ("用途", escape(purposes.get(item.purpose, item.purpose))),
            ("类别", f"{TYPES[item.benefit_type]} · {CLASSES[item.service_class]}"),
            ("期限", f"{time_of(item.valid_from)} 至 {time_of(item.valid_until)}"),
            ("每次答复有效", f"{item.answer_valid_days} 天"),
            ("依据", escape(item.legal_basis)),
            ("状态", _badge(item)),
            (
                "编号",
                f"优惠 <code>{escape(item.id)}</code>，用途 <code>{escape(item.purpose)}</code>",
            ),
        ]
    )
    return f"### {escape(item.scene)} · {escape(item.partner_name)} {{#{_anchor(item)}}}\n\n{facts}"
