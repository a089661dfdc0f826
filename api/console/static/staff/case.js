// One case: what the citizen says, what the record says, and the deciding with reasons.
import { byId, day, facts, made } from "/console/elements.js";
import { CLASSES, REVIEWED, STATES, TWO_PEOPLE, TYPES, outcomeWords } from "/staff/words.js";

const LEAST_REASON = 10;

function choices(outcomes) {
  const place = made("fieldset");
  place.append(made("legend", "办理结果"));
  for (const [outcome, words] of outcomes) {
    const label = made("label", "", "choice");
    const input = made("input");
    Object.assign(input, { type: "radio", name: "outcome", value: outcome, required: true });
    label.append(input, TWO_PEOPLE.has(outcome) ? `${words}（需另一位复核）` : words);
    place.append(label);
  }
  return place;
}

function reasonField(words) {
  const label = made("label", words);
  const field = made("textarea");
  field.rows = 4;
  field.maxLength = 2000;
  field.minLength = LEAST_REASON;
  label.append(field);
  return [label, field];
}

export function makeCase({ ask, act, say, acted, nameOf, me }) {
  const button = (words, deed, className = "") => {
    const element = made("button", words, className);
    element.type = "button";
    element.onclick = () => act(deed);
    return element;
  };

  async function send(type, found, step, body, words) {
    await ask(`/v1/staff/${type}/${found.id}/${step}`, { method: "POST", body });
    await acted(found.id);
    say(words);
  }

  function deciding(type, found) {
    const outcomes = choices(TYPES[type].outcomes);
    const [label, field] = reasonField(`理由（至少 ${LEAST_REASON} 个字，会告知当事人）`);
    const decide = async () => {
      const outcome = outcomes.querySelector(":checked")?.value;
      if (!outcome) return say("请先选择办理结果。");
      const words = TWO_PEOPLE.has(outcome) ? "已提交，等待另一位工作人员复核。" : "已办结，并告知当事人。";
      return send(type, found, "decision", { outcome, reason: field.value.trim() }, words);
    };
    return [outcomes, label, button("提交", decide, "main")];
  }

  function confirming(type, found) {
    if (found.proposed_by === me().id) return [made("p", "这是您提出的意见，要由另一位工作人员复核。", "hint")];
    if (!me().isReviewer) return [made("p", "要由复核人员复核。", "hint")];
    const [label, field] = reasonField(`退回的理由（至少 ${LEAST_REASON} 个字，同意时不填）`);
    const row = made("div", "", "row");
    row.append(
      button("同意", () => send(type, found, "confirmation", { agrees: true, proposal_id: found.proposal_id }, "已办结，并告知当事人。"), "main"),
      button("退回", () => send(type, found, "confirmation",
        { agrees: false, reason: field.value.trim(), proposal_id: found.proposal_id }, "已退回经办人员。")));
    return [label, row];
  }

  const ACTIONS = { open: deciding, proposed: confirming, decided: () => [] };

  function about(found) {
    if (!found.record_id) return facts(["复核对象", REVIEWED[found.about]], ["编号", found.reference]);
    const record = found.record;
    return facts(["记录", record ? nameOf(record) : "当事人已退出，或记录已不在"],
      ["发生日", record?.happened_on], ["记录编号", found.record_id],
      ["失信程度", CLASSES[found.repair_class]]);
  }

  return function showCase(type, found) {
    byId("case-title").textContent = `${TYPES[type].name} · ${STATES[found.status]}`;
    byId("case-parts").replaceChildren(
      facts(["受理", day(found.opened_at)],
        ["应办结", `${found.due_on}${found.is_overdue ? "（已逾期）" : ""}${found.is_due_provisional ? "（节假日安排公布后可能调整）" : ""}`]),
      about(found),
      facts(["当事人的理由", found.reason || "没有填写"],
        ["退回的理由", found.returned_reason],
        ["经办意见", found.proposed_outcome && `${outcomeWords(found.proposed_outcome)}（${found.proposed_by}）`],
        ["经办理由", found.proposal_reason],
        ["办理结果", outcomeWords(found.outcome)], ["办理理由", found.decision_reason],
        ["办理人", [found.decided_by, found.confirmed_by].filter(Boolean).join("、")],
        ["办结", found.decided_at && day(found.decided_at)]),
      ...ACTIONS[found.status](type, found));
  };
}
