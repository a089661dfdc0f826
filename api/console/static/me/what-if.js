// 想达到某个分数: the fewest records that would have to stop counting, in the service's own words.
import { byId, entry, line } from "/console/elements.js";

export function makeWhatIf({ ask, act, say }) {
  return function offerWhatIf(rules) {
    byId("what-if-text").textContent = "";
    byId("what-if-changes").replaceChildren();
    byId("ask-what-if").onclick = () => act(async () => {
      const target = encodeURIComponent(byId("target").value);
      const answer = await ask(`/v1/me/score/what-if?target=${target}`);
      byId("what-if-text").textContent = answer.text;
      byId("what-if-changes").replaceChildren(...answer.changes.map((change) => entry(
        line(rules.get(change.rule_id)?.name ?? "", "name"), line(change.note))));
      say("");
    });
  };
}
