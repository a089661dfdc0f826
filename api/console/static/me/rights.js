// 我的权利: what a citizen can do about one record, what became of it, and her copy of everything.
import { byId, day, download, entry, facts, fold, line, made } from "/console/elements.js";

const OUTCOMES = {
  upheld: "异议成立，记录已移除", rejected: "经核查，记录无误", undecided: "无法确认，双方意见均已载明",
  confirmed: "经人工复核，结果不变", corrected: "经人工复核，结果已更正",
  granted: "已批准修复", refused: "未批准修复",
};
const KINDS = [["disputes", "异议"], ["repairs", "信用修复"], ["reviews", "人工复核"]];
const LOST_POINTS = (item) => item.points < 0 || item.status === "minor";
const MAX_STATEMENT = 200;

export function makeRights({ ask, askText, act, say, refresh }) {
  const aboutRecord = new Map();

  const button = (words, deed) => {
    const element = made("button", words);
    element.type = "button";
    element.onclick = () => act(deed);
    return element;
  };

  async function sent(path, body, words, method = "POST") {
    await ask(path, { method, body });
    await refresh();
    say(words);
  }

  // One field and its one button.
  function form(label, words, hint, deed, { text = "", most = 2000 } = {}) {
    const place = made("div", "", "does");
    const head = made("label", label);
    const field = made("textarea");
    field.rows = 2;
    field.maxLength = most;
    field.value = text;
    head.append(field);
    place.append(head, made("p", hint, "hint"), button(words, () => deed(field.value.trim())));
    return place;
  }

  const dispute = (item) => form("异议理由", "提出异议",
    "记录有误、不是本人或已经履行，都可以提出。20 日内由工作人员答复，办结之前不计分。",
    (reason) => sent("/v1/me/disputes", { record_id: item.record_id, reason }, "异议已受理，办结之前不计分。"));

  const repair = (item) => form("履行或改正的情况", "申请信用修复",
    "已经履行或改正、且过了最短期限的，可以申请。全程免费，不要相信任何收费代办。",
    (reason) => sent("/v1/me/repairs", { record_id: item.record_id, reason }, "修复申请已受理，不收取任何费用。"));

  const statement = (item) => form("本人说明", item.statement ? "更新本人说明" : "写入本人说明",
    `至多 ${MAX_STATEMENT} 个字，与这条记录一起保存；留空就是删去。`,
    (text) => sent(`/v1/me/records/${item.record_id}/statement`, { text },
      text ? "本人说明已更新。" : "本人说明已删去。", "PUT"),
    { text: item.statement ?? "", most: MAX_STATEMENT });

  function fill(place, item, rule) {
    place.append(facts(["依据", item.legal_basis], ["规则", rule && `${rule.name}（${item.rule_version}）`],
      ["为何有此规则", rule?.reason], ["记录编号", item.record_id]));
    place.append(dispute(item));
    if (LOST_POINTS(item)) place.append(repair(item));
    place.append(statement(item));
  }

  // What stands beside a record.
  function beside(item, rule) {
    aboutRecord.set(item.record_id, item.note.split("。")[0]);
    const place = fold("依据 · 异议 · 修复 · 说明", () => fill(place, item, rule));
    const said = item.statement ? `本人说明：${item.statement}` : "";
    return [line(item.pending ?? "", "hint"), line(said, "hint"), place];
  }

  const reviewOf = (decision) => button("请人工复核这次答复", () => sent("/v1/me/reviews",
    { about: "decision", decision_id: decision }, "已请求人工复核。"));

  function entryOf(name, item) {
    const state = item.outcome ? OUTCOMES[item.outcome] : `办理中，${item.due_on} 前答复`;
    const about = aboutRecord.get(item.record_id) ?? (item.about === "decision" ? "一次询问的答复" : "");
    const decided = item.decided_at ? `，办结于 ${day(item.decided_at)}` : "";
    return [item.opened_at, entry(line(`${name} · ${state}`, "name"), line(about),
      line(item.reason ? `您的理由：${item.reason}` : ""),
      line(item.decision_reason ? `答复：${item.decision_reason}` : ""),
      line(`提出于 ${day(item.opened_at)}${decided} · 编号 ${item.id}`, "hint"))];
  }

  async function every(path) {
    const found = [];
    let cursor = "";
    do {
      const page = await ask(`/v1/me/${path}?limit=100${cursor && `&cursor=${cursor}`}`);
      found.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor);
    return found;
  }

  async function show() {
    const lists = await Promise.all(KINDS.map(async ([path, name]) => (
      (await every(path)).map((item) => entryOf(name, item)))));
    const entries = lists.flat().sort(([a], [b]) => b.localeCompare(a)).map(([, each]) => each);
    byId("cases").replaceChildren(...entries);
    byId("no-cases").hidden = entries.length > 0;
  }

  byId("review").onclick = () => act(async () => {
    const reason = byId("review-reason").value.trim();
    await sent("/v1/me/reviews", { about: "score", reason }, "已请求人工复核。");
    byId("review-reason").value = "";
  });
  byId("export").onclick = () => act(async () => {
    download(await askText("/v1/me/export", { accept: "application/json" }), "chengxin-export.json");
    say("已导出；这次导出也记在“询问”里。");
  });

  return { beside, reviewOf, show };
}
