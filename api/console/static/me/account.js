// 账户: joining after reading, the proof of what was agreed to, and leaving.
import { byId, day, download, made } from "/console/elements.js";

const noticeParts = (notice) => notice.items.flatMap((item) => [
  made("h3", item.title), made("p", item.text), made("p", `依据：${item.basis}`, "hint")]);

export function makeAccount({ ask, askText, act, refresh, say, showReconsent }) {
  let isAnnounced = false;

  async function offerJoining() {
    const notice = await ask("/v1/notice");
    byId("notice-text").replaceChildren(...noticeParts(notice));
    byId("notice").open = true;
    byId("agreed").checked = false;
    byId("enrol").disabled = true;
    byId("enrol").onclick = () => act(async () => {
      await ask("/v1/me/enrolment", { method: "POST", body: { notice_version: notice.version } });
      await refresh();
      say("您已加入。加入凭据可以在“账户”里下载。");
    });
  }

  async function showAccount() {
    const [enrolment, notice] = await Promise.all([ask("/v1/me/enrolment"), ask("/v1/notice")]);
    byId("joined").textContent = `${day(enrolment.enrolled_at)} 加入，同意的是告知书 ${enrolment.notice_version} 版。`;
    isAnnounced = showReconsent(enrolment.reconsent);
    byId("agreed-notice-text").replaceChildren(...noticeParts(notice));
    byId("agreed-notice").firstElementChild.textContent = `现行告知书（${notice.version} 版）`;
    byId("receipt").onclick = () => act(async () => {
      download(await askText("/v1/me/enrolment/receipt"), "chengxin-receipt.json");
      say("凭据已下载，请妥善保存。");
    });
  }

  async function leave() {
    await ask("/v1/me/enrolment", { method: "DELETE" });
    await refresh();
    say("您已退出，分数已删除。");
  }

  return { offerJoining, showAccount, leave, hasAnnouncement: () => isAnnounced };
}
