// 我的同意: who may ask, until when; given, paused, revoked with one touch each.
import { byId, day, entry, line, made, moment, option, picture } from "/console/elements.js";

const MONTHS = [1, 3, 6, 12];
const USES = [1, 3, 10, 100];
const LIVE = ["active", "paused", "awaiting"];
const STATUS_WORDS = {
  active: "有效", paused: "已暂停", awaiting: "待您确认", revoked: "已撤回", rejected: "已拒绝", expired: "已到期",
};
const ADDRESS = "/v1/me/consents";

// The last day is not counted, so that twelve months are never more than twelve.
function expiryIn(months) {
  const end = new Date();
  end.setMonth(end.getMonth() + months);
  end.setDate(end.getDate() - 1);
  return end.toISOString();
}

export function makeConsents({ ask, askText, act, say, showVouchers }) {
  function button(words, deed, name) {
    const element = made("button", words);
    element.type = "button";
    element.setAttribute("aria-label", `${words}：${name}`);
    element.onclick = () => act(deed);
    return element;
  }

  async function step(consent, status, words) {
    await ask(`${ADDRESS}/${consent.id}`, { method: "PATCH", body: { status } });
    await show();
    say(words);
  }

  async function showQr(consent, place) {
    if (place.firstChild) {
      place.replaceChildren();
      return say("");
    }
    const svg = await askText(`${ADDRESS}/${consent.id}/qr.svg`);
    place.replaceChildren(picture(svg, `${consent.partner_name}的二维码`),
      made("p", `请${consent.partner_name}扫描。换作别的合作方，此码无效。`, "hint"));
    return say("");
  }

  function actions(consent, name, qr) {
    const row = made("div", "", "row");
    if (consent.status === "active") {
      row.append(button("出示二维码", () => showQr(consent, qr), name),
        button("暂停", () => step(consent, "paused", "已暂停，对方暂时不能询问。"), name));
    } else {
      const words = consent.status === "paused" ? "恢复" : "确认";
      row.append(button(words, () => step(consent, "active", "已生效。"), name));
    }
    const end = consent.status === "awaiting" ? ["拒绝", "rejected", "已拒绝。"]
      : ["撤回", "revoked", "已撤回，对方不能再询问。"];
    row.append(button(end[0], () => step(consent, end[1], end[2]), name));
    return row;
  }

  function liveEntry(consent) {
    const used = consent.uses
      ? `已询问 ${consent.uses} 次，最近 ${moment(consent.last_used_at)}` : "还没有询问过";
    const name = `${consent.partner_name} · ${consent.scene}`;
    const qr = made("div", "", "qr");
    const whole = entry(line(name, "name"), line(consent.what),
      line(`${STATUS_WORDS[consent.status]} · ${day(consent.expires_at)} 到期 · 每天最多 ${consent.max_uses_per_day} 次 · 答复只可用 ${consent.data_life_days} 天`, "hint"),
      line(used, "hint"), actions(consent, name, qr), qr);
    whole.className = "consent";
    return whole;
  }

  function endedEntry(consent) {
    const by = consent.changed_by === "partner" ? "（对方放弃）" : "";
    return entry(line(`${consent.partner_name} · ${consent.scene}`, "name"),
      line(`${STATUS_WORDS[consent.status]}${by} · ${day(consent.changed_at)} · 询问过 ${consent.uses} 次`, "hint"));
  }

  function showGranting(benefits) {
    const open = benefits.filter((benefit) => benefit.status === "live");
    byId("granting").hidden = open.length === 0;
    byId("benefit").replaceChildren(...open.map((benefit, number) => option(
      `${benefit.partner_name} · ${benefit.scene}`, String(number))));
    byId("months").replaceChildren(...MONTHS.map((months) => option(
      `${months} 个月`, String(months), months === 3)));
    byId("uses").replaceChildren(...USES.map((uses) => option(`${uses} 次`, String(uses), uses === 10)));
    const chosen = () => open[Number(byId("benefit").value)];
    const tell = () => {
      const benefit = chosen();
      byId("benefit-what").textContent = benefit ? `${benefit.what}依据：${benefit.legal_basis}` : "";
    };
    byId("benefit").onchange = tell;
    tell();
    byId("grant").onclick = () => act(() => grant(chosen()));
  }

  async function grant(benefit) {
    await ask(ADDRESS, {
      method: "POST",
      body: {
        partner: benefit.partner, policy: benefit.id, purpose: benefit.purpose,
        expires_at: expiryIn(Number(byId("months").value)),
        max_uses_per_day: Number(byId("uses").value),
      },
    });
    byId("granting").open = false;
    await show();
    say(`已同意${benefit.partner_name}询问，可随时撤回。`);
  }

  async function every() {
    const found = [];
    let cursor = "";
    do {
      const page = await ask(`${ADDRESS}?limit=100${cursor && `&cursor=${cursor}`}`);
      found.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor);
    return found;
  }

  async function show() {
    const [items, benefits] = await Promise.all([every(), ask("/v1/benefits")]);
    const live = items.filter((consent) => LIVE.includes(consent.status));
    const ended = items.filter((consent) => !LIVE.includes(consent.status));
    byId("no-consents").hidden = live.length > 0;
    byId("live-consents").replaceChildren(...live.map(liveEntry));
    byId("ended").hidden = ended.length === 0;
    byId("ended-summary").textContent = `已结束的同意 ${ended.length} 项`;
    byId("ended-consents").replaceChildren(...ended.map(endedEntry));
    showGranting(benefits.items);
    showVouchers(benefits.items);
  }

  return show;
}
