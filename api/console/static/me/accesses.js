// 谁询问过我: each line as the log has it, newest first; and what she should know without asking.
const PAGE = 10;

const moment = (instant) => new Date(instant).toLocaleString("zh-CN", { dateStyle: "medium", timeStyle: "short" });

export function makeAccesses({ ask, act, byId, made, line, say }) {
  function entryOf(access) {
    const entry = made("li", "");
    const secrecy = access.hidden_until
      ? `依法自 ${access.hidden_until} 起可见：${access.hidden_reason}` : "";
    entry.append(line(moment(access.time), "name"), line(access.purpose, ""),
      line(`依据：${access.legal_basis}`, "hint"), line(secrecy, "hint"));
    return entry;
  }

  async function page(cursor) {
    const query = cursor ? `&cursor=${cursor}` : "";
    const { items, next_cursor: following } = await ask(`/v1/me/accesses?limit=${PAGE}${query}`);
    const list = byId("accesses-list");
    if (!cursor) list.replaceChildren();
    list.append(...items.map(entryOf));
    byId("no-accesses").hidden = list.children.length > 0;
    byId("older").hidden = !following;
    byId("older").onclick = () => act(async () => {
      await page(following);
      say("");
    });
  }

  async function news() {
    const { items } = await ask("/v1/me/events?limit=5");
    byId("news").hidden = items.length === 0;
    byId("news-list").replaceChildren(...items.map((item) => {
      const entry = made("li", "");
      entry.append(line(item.text, ""), line(moment(item.time), "hint"));
      return entry;
    }));
  }

  return () => Promise.all([page(""), news()]);
}
