// 我的信用: what the service says about the citizen who logged in, and her choice to take part.
import { makeActing, makeAsking } from "/console/asking.js";
import { byId } from "/console/elements.js";
import { beginLogin, finishLogin } from "/console/oidc.js";
import { makeAccesses } from "/me/accesses.js";
import { makeAccount } from "/me/account.js";
import { makeConsents } from "/me/consents.js";
import { makeExplanation } from "/me/explanation.js";
import { makeHistory } from "/me/history.js";
import { makeReconsent } from "/me/reconsent.js";
import { makeRights } from "/me/rights.js";
import { show } from "/me/views.js";
import { makeVouchers } from "/me/vouchers.js";
import { makeWhatIf } from "/me/what-if.js";

const redirectUri = `${location.origin}/me/`;
const { ask, askText, keep, isLoggedIn } = makeAsking("chengxin.session");
const say = (words) => { byId("status").textContent = words; };
const act = makeActing(say, () => goOut("登录已过期，请重新登录。"));
const tools = { ask, askText, act, say, refresh };

const rights = makeRights(tools);
const showReconsent = makeReconsent(tools);
const account = makeAccount({ ...tools, showReconsent });
const showAccesses = makeAccesses({ ...tools, rights });
const showConsents = makeConsents({ ...tools, showVouchers: makeVouchers(tools) });
const showExplanation = makeExplanation({ rights });
const showHistory = makeHistory(tools);
const offerWhatIf = makeWhatIf(tools);

// What each part fills; a part that cannot be read is left out and said.
const PARTS = {
  outside: [[account.offerJoining, ["outside"]], [showAccesses, ["news", "accesses"]], [rights.show, ["rights"]]],
  waiting: [[showConsents, ["vouchers", "consents"]], [showAccesses, ["news", "accesses"]],
    [rights.show, ["rights"]], [account.showAccount, ["account"]]],
};
PARTS.inside = PARTS.waiting;
PARTS.changed = PARTS.waiting.slice(1);

async function showAll(state) {
  const parts = PARTS[state];
  const results = await Promise.allSettled(parts.map(([fill]) => fill()));
  const refused = results.filter((result) => result.reason).map((result) => result.reason);
  const ended = refused.find((error) => error.status === 401);
  if (ended) throw ended;
  const isEnrolled = state === "inside" || state === "waiting";
  show(state, parts.flatMap(([, sections], at) => (results[at].reason ? sections : [])),
    isEnrolled && account.hasAnnouncement());
  byId("reviewing").hidden = state !== "inside";
  say(refused.length ? `有的内容暂时读不出：${refused[0].message}` : "");
}

function showBand(score, rules) {
  const band = rules.bands.find(({ code }) => code === score.band.code);
  byId("score").textContent = score.score;
  byId("band").textContent = score.band.name;
  byId("band-range").textContent = band ? `${band.name}：${band.from} 至 ${band.to} 分` : "";
  byId("as-of").textContent = `按 ${score.as_of} 的记录计算 · 规则 ${score.rules_version}`;
  byId("stale").hidden = !score.stale;
}

async function showScore() {
  const score = await ask("/v1/me/score");
  const [explanation, rules] = await Promise.all([ask("/v1/me/score/explanation"), ask("/v1/rules")]);
  const byRule = new Map(rules.rules.map((rule) => [rule.id, rule]));
  showBand(score, rules);
  showExplanation(explanation, byRule);
  offerWhatIf(byRule);
  await showHistory(byRule);
}

async function stateOf() {
  try {
    await showScore();
    return "inside";
  } catch (error) {
    if (error.code === "not_enrolled") return "outside";
    if (error.code === "not_scored_yet") return "waiting";
    if (error.code === "reconsent_required" && showReconsent(error.problem.reconsent)) return "changed";
    throw error;
  }
}

async function refresh() {
  if (!isLoggedIn()) return goOut("");
  try {
    await showAll(await stateOf());
  } catch (error) {
    if (error.status === 401) return goOut("登录已过期，请重新登录。");
    throw error;
  }
  return undefined;
}

function goOut(words) {
  keep(null);
  byId("leave-session").hidden = true;
  show("welcome");
  say(words);
}

async function logIn(client) {
  const given = client && await finishLogin(client, redirectUri);
  if (given) keep(given);
}

// The page is opened, or opened again after it could not be.
async function open() {
  byId("leave-session").hidden = !isLoggedIn();
  try {
    await refresh();
  } catch (error) {
    show("failed");
    throw error;
  }
}

async function start() {
  const { me: client } = await ask("/console/config.json");
  byId("login").hidden = !client;
  byId("login").onclick = () => act(() => beginLogin(client, redirectUri));
  byId("leave-session").onclick = () => goOut("您已退出登录。");
  addEventListener("hashchange", () => say(""));
  byId("agreed").onchange = (event) => { byId("enrol").disabled = !event.target.checked; };
  byId("again").onclick = () => act(open);
  byId("look-again").onclick = () => act(async () => {
    await refresh();
    if (!byId("waiting").hidden) say("还没有好，请稍后再看。");
  });
  byId("withdraw").onclick = () => byId("confirm").showModal();
  byId("confirm-no").onclick = () => byId("confirm").close();
  byId("confirm-yes").onclick = () => {
    byId("confirm").close();
    act(account.leave);
  };
  try {
    await logIn(client);
  } catch (error) {
    return goOut(error.message);
  }
  return act(open);
}

start().catch((error) => {
  byId("again").onclick = () => location.reload();
  show("failed");
  say(error.message);
});
