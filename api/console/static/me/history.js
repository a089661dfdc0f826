// 分数的变化: each change with its cause, newest first.
import { byId, entry, line } from "/console/elements.js";
import { signed } from "/me/explanation.js";

const PAGE = 10;
const CAUSES = {
  enrolment: "加入，第一次计算", new_record: "新的记录", expiry: "记录到期", rule_change: "规则变更",
  repair: "信用修复", dispute: "异议", correction: "更正",
};

function words(change, rules) {
  const rule = rules.get(change.rule_id)?.name;
  const isFirst = change.cause === "enrolment";
  return entry(
    line(isFirst ? `${change.score} 分` : `${signed(change.change)} 分，变为 ${change.score} 分`, "name"),
    line([CAUSES[change.cause], rule].filter(Boolean).join(" · ")),
    line(`${change.at} · 规则 ${change.rules_version}`, "hint"));
}

export function makeHistory({ ask, act, say }) {
  return async function showHistory(rules, cursor = "") {
    const query = cursor ? `&cursor=${cursor}` : "";
    const { items, next_cursor: following } = await ask(`/v1/me/score/history?limit=${PAGE}${query}`);
    if (!cursor) byId("history").replaceChildren();
    byId("history").append(...items.map((change) => words(change, rules)));
    byId("no-history").hidden = byId("history").children.length > 0;
    byId("history-older").hidden = !following;
    byId("history-older").onclick = () => act(async () => {
      await showHistory(rules, following);
      say("");
    });
  };
}
