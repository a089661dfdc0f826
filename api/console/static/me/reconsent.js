// 告知书变更: what would be different, told before it holds; staying is asked for, leaving is one touch.
import { byId, entry, line } from "/console/elements.js";

export function makeReconsent({ ask, act, say, refresh }) {
  const accept = (version) => act(async () => {
    await ask("/v1/me/enrolment", { method: "POST", body: { notice_version: version } });
    await refresh();
    say("您已同意新版告知书。");
  });

  // `reconsent`: as the service tells it, or nothing where there is no change to tell.
  return function showReconsent(reconsent) {
    if (!reconsent) return false;
    const isRequired = reconsent.state === "required";
    byId("changed-title").textContent = isRequired ? "告知书有重大变更，请重新选择" : "告知书将有重大变更";
    byId("changed-when").textContent = isRequired
      ? `新版自 ${reconsent.effective_on} 起施行。在您选择之前，不显示分数，合作方也不能询问；异议、修复、导出等权利不受影响。`
      : `新版自 ${reconsent.effective_on} 起施行，在那之前一切照旧。`;
    byId("changes").replaceChildren(...reconsent.changes.map((change) => entry(line(change.text))));
    byId("accept").textContent = `同意新版（${reconsent.to_version}）`;
    byId("accept").onclick = () => accept(reconsent.to_version);
    byId("decline").hidden = !isRequired;
    byId("decline").onclick = () => byId("confirm").showModal();
    return true;
  };
}
