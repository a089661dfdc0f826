// 为什么是这个分: base, then a line for each rule with its records; the lines add up to the score.
import { byId, entry, fold, line, made } from "/console/elements.js";
import { makePrinting } from "/me/printing.js";

const STATUS_WORDS = {
  capped: "已达上限", expired: "已到期", minor: "轻微，不计分", fulfilled: "已履行",
  no_rule: "没有规则计分", disputed: "异议中，暂不计分", repaired: "已修复",
};

const PAGE = 10;

export const signed = (points) => (points > 0 ? `+${points}` : `${points}`.replace("-", "−"));

function row(head, points) {
  const cell = made("th");
  cell.scope = "row";
  cell.append(...head);
  const whole = made("tr");
  whole.append(cell, made("td", points, "points"));
  return whole;
}

const sumOf = (items) => items.reduce((sum, item) => sum + item.points, 0);

const newestFirst = (a, b) => b.happened_on.localeCompare(a.happened_on);

function grouped(items) {
  const groups = new Map();
  for (const item of items) groups.set(item.rule_id, [...(groups.get(item.rule_id) ?? []), item]);
  return [...groups].sort(([, a], [, b]) => Math.abs(sumOf(b)) - Math.abs(sumOf(a)));
}

export function makeExplanation({ rights }) {
  makePrinting(byId("counted"));

  const day = (item) => (item.expires_on ? `${item.happened_on} · ${item.expires_on} 到期` : item.happened_on);

  const countedEntry = (item, rule) => entry(
    line(`${signed(item.points)} 分 · ${item.source}`, "name"),
    line(day(item), "hint"), line(item.note), ...rights.beside(item, rule));

  const otherEntry = (item, rule) => entry(
    line(STATUS_WORDS[item.status] ?? "", "name"), line(item.note),
    line(`${item.source} · ${day(item)}`, "hint"), ...rights.beside(item, rule));

  // A citizen may have hundreds of records.
  function folded(words, items, rule) {
    const list = made("ul");
    const more = made("button", "", "quiet");
    const rest = [...items].sort(newestFirst);
    more.type = "button";
    more.onclick = () => {
      list.append(...rest.splice(0, PAGE).map((item) => countedEntry(item, rule)));
      more.textContent = `再看 ${Math.min(PAGE, rest.length)} 条（还有 ${rest.length} 条）`;
      more.hidden = rest.length === 0;
    };
    return fold(words, (place) => {
      place.append(list, more);
      more.onclick();
    });
  }

  function ruleRows([ruleId, items], rules) {
    const rule = rules.get(ruleId);
    const points = sumOf(items);
    const full = rule && rule.cap === points ? "，已达这一项的上限" : "";
    const records = made("td");
    records.colSpan = 2;
    records.append(folded(`${items.length} 条记录${full}`, items, rule));
    const below = made("tr");
    below.append(records);
    const head = row([line(rule?.name ?? ruleId, "name")], signed(points));
    head.className = "rule";
    return [head, below];
  }

  function showOther(items, rules) {
    byId("other-section").hidden = items.length === 0;
    byId("other-summary").textContent = `共 ${items.length} 条`;
    byId("other").replaceChildren(
      ...items.sort(newestFirst).map((item) => otherEntry(item, rules.get(item.rule_id))));
  }

  return function showExplanation(explanation, rules) {
    const counted = explanation.items.filter((item) => item.points !== 0);
    byId("counted").replaceChildren(row([line("基础分", "name")], String(explanation.base)),
      ...grouped(counted).flatMap((group) => ruleRows(group, rules)));
    byId("sum").replaceChildren(row([line("合计", "name")], String(explanation.score)));
    byId("reasons-title").hidden = explanation.reasons.length === 0;
    byId("reasons").replaceChildren(...explanation.reasons.map((reason) => entry(line(reason.text))));
    showOther(explanation.items.filter((item) => item.points === 0), rules);
  };
}
