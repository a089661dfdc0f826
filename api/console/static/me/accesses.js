// 谁询问过我: each line as the log has it, newest first; and what she should know without asking.
import { byId, download, entry, facts, line, made, moment } from "/console/elements.js";

const PAGE = 10;

export function makeAccesses({ ask, askText, act, say, rights }) {
  const proof = (seq) => {
    const button = made("button", "下载完整性证明");
    button.type = "button";
    button.onclick = () => act(async () => {
      download(await askText(`/v1/me/events/${seq}/proof`), `chengxin-proof-${seq}.json`);
      say("证明已下载。怎样核验，见本站“记录的完整性”。");
    });
    return button;
  };

  function proofOf(access) {
    const place = made("details");
    place.append(made("summary", "依据与编号"), facts(
      ["依据", access.legal_basis], ["询问者", access.initiator_name], ["代表", access.on_behalf_of],
      ["决定编号", access.decision_id], ["答复摘要", access.response_digest], ["记录编号", String(access.seq)]));
    const row = made("div", "", "row");
    row.append(proof(access.seq));
    if (access.decision_id) row.append(rights.reviewOf(access.decision_id));
    place.append(row);
    return place;
  }

  function entryOf(access) {
    const secrecy = access.hidden_until
      ? `依法自 ${access.hidden_until} 起可见：${access.hidden_reason}` : "";
    return entry(line(moment(access.time), "name"), line(access.purpose), line(secrecy, "hint"),
      proofOf(access));
  }

  function periodQuery() {
    const [start, end] = [byId("period-start").value, byId("period-end").value];
    return (start ? `&since=${start}` : "") + (end ? `&until=${end}` : "");
  }

  async function page(cursor) {
    const query = periodQuery() + (cursor ? `&cursor=${cursor}` : "");
    const { items, next_cursor: following } = await ask(`/v1/me/accesses?limit=${PAGE}${query}`);
    const list = byId("accesses-list");
    if (!cursor) list.replaceChildren();
    list.append(...items.map(entryOf));
    byId("no-accesses").hidden = list.children.length > 0;
    byId("no-accesses").textContent = periodQuery() ? "这段时间没有人询问过。" : "还没有人询问过。";
    byId("older").hidden = !following;
    byId("older").onclick = () => act(async () => {
      await page(following);
      say("");
    });
  }

  async function news() {
    const { items } = await ask("/v1/me/events?limit=10");
    byId("no-news").hidden = items.length > 0;
    byId("news-list").replaceChildren(...items.map((item) => entry(
      line(item.text), line(moment(item.time), "hint"))));
  }

  byId("period-show").onclick = () => act(async () => {
    await page("");
    say("");
  });

  return () => Promise.all([page(""), news()]);
}
