// 我的权利: what a citizen can do about one record, what became of it, and her copy of everything.
const OUTCOMES = {
  upheld: "异议成立，记录已移除", rejected: "经核查，记录无误", undecided: "无法确认，双方意见均已记载",
  confirmed: "经人工复核，结果不变", corrected: "经人工复核，结果已更正",
  granted: "已批准修复", refused: "未批准修复",
};
const KINDS = [["disputes", "异议"], ["repairs", "信用修复"], ["reviews", "人工复核"]];
const LOST_POINTS = (item) => item.points < 0 || item.status === "minor";

export function makeRights({ ask, askText, act, byId, made, line, say, refresh }) {
  const button = (text, deed) => {
    const element = made("button", text, "quiet");
    element.type = "button";
    element.onclick = () => act(deed);
    return element;
  };

  async function sent(path, body, words, method = "POST") {
    await ask(path, { method, body });
    await refresh();
    say(words);
  }

  // Made when it is opened: a page may show hundreds of records.
  function fill(place, item) {
    const words = made("textarea", "");
    words.rows = 3;
    words.maxLength = 2000;
    words.setAttribute("aria-label", "理由或说明");
    words.placeholder = "理由（说明至多 200 个字）";
    const record = item.record_id;
    const row = made("div", "", "row");
    row.append(
      button("提出异议", () => sent("/v1/me/disputes", { record_id: record, reason: words.value },
        "异议已受理，办结之前不计分。")),
      button("写入本人说明", () => sent(`/v1/me/records/${record}/statement`,
        { text: words.value }, "本人说明已更新。", "PUT")));
    if (LOST_POINTS(item)) {
      row.append(button("申请信用修复", () => sent("/v1/me/repairs",
        { record_id: record, reason: words.value }, "修复申请已受理，不收取任何费用。")));
    }
    place.append(words, row);
  }

  function forRecord(item) {
    const place = made("details", "", "right");
    place.append(made("summary", "异议 · 修复 · 说明"));
    place.addEventListener("toggle", () => {
      if (place.open && place.children.length === 1) fill(place, item);
    });
    const said = item.statement ? `本人说明：${item.statement}` : "";
    const whole = made("span", "");
    whole.append(line(item.pending ?? "", "hint"), line(said, "hint"), place);
    return whole;
  }

  function entryOf(name, item) {
    const entry = made("li", "");
    const state = item.outcome ? OUTCOMES[item.outcome] : `办理中，${item.due_on} 前答复`;
    entry.append(line(`${name} · ${state}`, "name"),
      line(item.reason ? `您的理由：${item.reason}` : "", ""),
      line(item.decision_reason ? `答复：${item.decision_reason}` : "", ""),
      line(`提出于 ${item.opened_at.slice(0, 10)}`, "hint"));
    return [item.opened_at, entry];
  }

  async function show() {
    const lists = await Promise.all(KINDS.map(async ([path, name]) => {
      const { items } = await ask(`/v1/me/${path}?limit=20`);
      return items.map((item) => entryOf(name, item));
    }));
    const entries = lists.flat().sort(([a], [b]) => b.localeCompare(a)).map(([, entry]) => entry);
    byId("cases").replaceChildren(...entries);
    byId("no-cases").hidden = entries.length > 0;
    byId("review").onclick = () => act(() => sent("/v1/me/reviews", { about: "score" },
      "已请求人工复核。"));
    byId("export").onclick = () => act(download);
  }

  async function download() {
    const text = await askText("/v1/me/export", { accept: "application/json" });
    const link = made("a", "");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "chengxin-export.json";
    link.click();
    URL.revokeObjectURL(link.href);
    say("已导出；这次导出也记在“谁询问过我”里。");
  }

  return { forRecord, show };
}
