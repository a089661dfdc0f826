// 想达到某个分数: the fewest records that would have to stop counting, in the service's own words.

export function makeWhatIf({ ask, act, byId, made, line, say }) {
  function entryOf(change, names) {
    const entry = made("li", "");
    entry.append(line(names.get(change.rule_id) ?? "", "name"), line(change.note, ""));
    return entry;
  }

  return function offerWhatIf(names) {
    byId("what-if-text").textContent = "";
    byId("what-if-changes").replaceChildren();
    byId("ask-what-if").onclick = () => act(async () => {
      const target = encodeURIComponent(byId("target").value);
      const answer = await ask(`/v1/me/score/what-if?target=${target}`);
      byId("what-if-text").textContent = answer.text;
      byId("what-if-changes").replaceChildren(
        ...answer.changes.map((change) => entryOf(change, names)));
      say("");
    });
  };
}
