// 我的同意: who may ask, until when; given, paused, revoked with one touch each.
const MONTHS = [1, 3, 6, 12];
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

export const day = (instant) => new Date(instant).toLocaleDateString("zh-CN");

const moment = (instant) => new Date(instant).toLocaleString("zh-CN", { dateStyle: "short", timeStyle: "short" });

export function makeConsents({ ask, askText, act, byId, made, line, say }) {
  function button(words, className, deed, label) {
    const element = made("button", words, className);
    element.type = "button";
    if (label) element.setAttribute("aria-label", label);
    element.onclick = () => act(deed);
    return element;
  }

  async function step(consent, status, words) {
    await ask(`${ADDRESS}/${consent.id}`, { method: "PATCH", body: { status } });
    await show();
    say(words);
  }

  // The service's own image, parsed as an image: it brings no script, and the policy would stop one.
  async function showQr(consent, place) {
    if (place.firstChild) {
      place.replaceChildren();
      return say("");
    }
    const text = await askText(`${ADDRESS}/${consent.id}/qr.svg`);
    const image = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    image.setAttribute("role", "img");
    image.setAttribute("viewBox", `0 0 ${image.getAttribute("width")} ${image.getAttribute("height")}`);
    place.replaceChildren(document.importNode(image, true),
      made("p", `请${consent.partner_name}扫描。换作别的合作方，此码无效。`, "hint"));
    return say("");
  }

  function liveEntry(consent) {
    const entry = made("li", "", "consent");
    const used = consent.uses
      ? `已询问 ${consent.uses} 次，最近 ${moment(consent.last_used_at)}` : "还没有询问过";
    const name = `${consent.partner_name} · ${consent.scene}`;
    entry.append(line(name, "name"), line(consent.what, "what"),
      line(`${STATUS_WORDS[consent.status]} · ${day(consent.expires_at)} 到期 · 每天最多 ${consent.max_uses_per_day} 次`, "hint"),
      line(used, "hint"));
    const qr = made("div", "", "qr");
    const row = made("div", "", "row");
    if (consent.status === "active") {
      row.append(button("出示二维码", "", () => showQr(consent, qr), `出示二维码：${name}`),
        button("暂停", "", () => step(consent, "paused", "已暂停，对方暂时不能询问。"), `暂停：${name}`));
    } else {
      row.append(button(consent.status === "paused" ? "恢复" : "确认", "",
        () => step(consent, "active", "已生效。"), `恢复：${name}`));
    }
    row.append(button("撤回", "", () => step(consent, "revoked", "已撤回，对方不能再询问。"), `撤回：${name}`));
    entry.append(row, qr);
    return entry;
  }

  function endedEntry(consent) {
    const entry = made("li", "");
    entry.append(line(`${consent.partner_name} · ${consent.scene}`, "name"),
      line(`${STATUS_WORDS[consent.status]} · ${day(consent.changed_at)} · 询问过 ${consent.uses} 次`, "hint"));
    return entry;
  }

  function showGranting(benefits) {
    const open = benefits.filter((benefit) => benefit.status === "live");
    byId("granting").hidden = open.length === 0;
    byId("benefit").replaceChildren(...open.map((benefit, number) => {
      const option = made("option", `${benefit.partner_name} · ${benefit.scene}`);
      option.value = String(number);
      return option;
    }));
    byId("months").replaceChildren(...MONTHS.map((months) => {
      const option = made("option", `${months} 个月`);
      option.value = String(months);
      option.selected = months === 3;
      return option;
    }));
    const chosen = () => open[Number(byId("benefit").value)];
    const tell = () => { byId("benefit-what").textContent = chosen()?.what ?? ""; };
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
      },
    });
    byId("granting").open = false;
    await show();
    say(`已同意${benefit.partner_name}询问，可随时撤回。`);
  }

  async function show() {
    const [{ items }, benefits] = await Promise.all([ask(`${ADDRESS}?limit=100`), ask("/v1/benefits")]);
    const live = items.filter((consent) => LIVE.includes(consent.status));
    const ended = items.filter((consent) => !LIVE.includes(consent.status));
    byId("no-consents").hidden = live.length > 0;
    byId("live-consents").replaceChildren(...live.map(liveEntry));
    byId("ended").hidden = ended.length === 0;
    byId("ended-summary").textContent = `已结束的同意 ${ended.length} 项`;
    byId("ended-consents").replaceChildren(...ended.map(endedEntry));
    showGranting(benefits.items);
  }

  return show;
}
