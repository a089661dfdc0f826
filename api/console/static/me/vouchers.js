// 出示凭证: a short-lived proof for a gate, shown as a code and gone when its time is over.
import { byId, made, moment, option, picture } from "/console/elements.js";

export function makeVouchers({ ask, act, say }) {
  let over;

  function clear() {
    clearTimeout(over);
    byId("voucher").replaceChildren();
  }

  async function issue(benefit) {
    clear();
    const voucher = await ask("/v1/me/vouchers", { method: "POST", body: { policy: benefit.id } });
    byId("voucher").replaceChildren(
      picture(voucher.qr_svg, `${benefit.scene}凭证的二维码`),
      made("p", `${benefit.partner_name} · ${benefit.scene}`, "name"),
      made("p", `${moment(voucher.expires_at)} 前有效，换作别处无效。`, "hint"));
    over = setTimeout(() => {
      clear();
      say("凭证已过时，需要时可以再生成。");
    }, Math.max(0, new Date(voucher.expires_at) - Date.now()));
    say("");
  }

  return function showVouchers(benefits) {
    clear();
    const open = benefits.filter((benefit) => benefit.status === "live");
    const chosen = () => open[Number(byId("voucher-benefit").value)];
    const tell = () => {
      clear();
      byId("voucher-what").textContent = chosen()?.what ?? "";
    };
    byId("voucher-benefit").replaceChildren(...open.map((benefit, number) => option(
      `${benefit.partner_name} · ${benefit.scene}`, String(number))));
    byId("voucher-benefit").onchange = tell;
    byId("make-voucher").onclick = () => act(() => issue(chosen()));
    tell();
  };
}
