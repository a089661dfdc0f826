// 我的信用: what the service says about the citizen who logged in, and her choice to take part.
import { beginLogin, finishLogin } from "/console/oidc.js";
import { makeAccesses } from "/me/accesses.js";
import { makeConsents } from "/me/consents.js";
import { makeRights } from "/me/rights.js";
import { makeWhatIf } from "/me/what-if.js";

const SESSION = "chengxin.session";
const FIRST_SHOWN = 12;
const redirectUri = `${location.origin}/me/`;
const byId = (id) => document.getElementById(id);
const SECTIONS = ["welcome", "outside", "waiting", "inside", "rights", "consents", "accesses", "leaving"];
const MINE = ["rights", "consents", "accesses", "leaving"];
let client;
let session;

class Refused extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title ?? "请稍后再试");
    this.code = problem.code;
    this.status = problem.status;
  }
}

async function ask(path, options) {
  const text = await askText(path, { accept: "application/json", ...options });
  return text ? JSON.parse(text) : null;
}

async function askText(path, { method = "GET", body, accept = "*/*" } = {}) {
  // The page's own language: a phone set to another would get notes that do not fit the page.
  const headers = { Accept: accept, "Accept-Language": document.documentElement.lang };
  if (session) headers.Authorization = `Bearer ${session.token}`;
  if (method === "POST") headers["Idempotency-Key"] = crypto.randomUUID();
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(path, {
    method, headers, credentials: "omit", cache: "no-store", body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (response.ok) return text;
  let problem = { status: response.status };
  try {
    problem = JSON.parse(text);
  } catch { /* a proxy's page: the status is all there is */ }
  throw new Refused(problem);
}

function show(...names) {
  for (const name of SECTIONS) byId(name).hidden = !names.includes(name);
  if (!names.includes("accesses")) byId("news").hidden = true;
  byId("leave-session").hidden = !session;
}

function say(text) {
  byId("status").textContent = text;
}

function row(words, points) {
  const head = made("th", "");
  head.scope = "row";
  head.append(...words);
  const whole = made("tr", "");
  whole.append(head, made("td", points, "points"));
  return whole;
}

// Text never becomes markup.
function made(name, text, className = "") {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

const line = (text, className) => made("span", text, className);

const signed = (points) => (points > 0 ? `+${points}` : `${points}`.replace("-", "−"));

function wordsOf(item, names) {
  const until = item.expires_on ? ` · ${item.expires_on} 到期` : "";
  const words = [line(names.get(item.rule_id) ?? item.note.split("。")[0], "name"),
    line(`${item.source} · ${item.happened_on}${until}`, "hint")];
  if (item.points < 0) words.push(line(item.note, "hint"));
  return [...words, rights.forRecord(item)];
}

async function namesOfRules() {
  const { rules } = await ask("/v1/rules");
  return new Map(rules.map((rule) => [rule.id, rule.name]));
}

function showExplanation(explanation, names) {
  const byWeight = (a, b) => Math.abs(b.points) - Math.abs(a.points)
    || b.happened_on.localeCompare(a.happened_on);
  const counted = explanation.items.filter((item) => item.points !== 0).sort(byWeight);
  const other = explanation.items.filter((item) => item.points === 0);
  const rows = [row([line("基础分", "name")], String(explanation.base)),
    ...counted.map((item) => row(wordsOf(item, names), signed(item.points)))];
  const hidden = rows.slice(FIRST_SHOWN);
  for (const each of hidden) each.hidden = true;
  byId("counted").replaceChildren(...rows);
  byId("sum").replaceChildren(row([line("合计", "name")], String(explanation.score)));
  showMore(hidden, counted.slice(FIRST_SHOWN - 1));
  showOther(other);
}

// What is folded away is named with its sum, so that what is seen still adds up.
function showMore(hidden, items) {
  const button = byId("more");
  button.hidden = hidden.length === 0;
  const points = items.reduce((sum, item) => sum + item.points, 0);
  button.textContent = `显示其余 ${hidden.length} 条（合计 ${signed(points)} 分）`;
  button.onclick = () => {
    for (const each of hidden) each.hidden = false;
    button.hidden = true;
  };
}

function showOther(items) {
  byId("other-section").hidden = items.length === 0;
  byId("other-summary").textContent = `共 ${items.length} 条`;
  byId("other").replaceChildren(...items.map((item) => {
    const entry = made("li", "");
    entry.append(line(item.note, ""), line(`${item.source} · ${item.happened_on}`, "hint"),
      rights.forRecord(item));
    return entry;
  }));
}

const tools = { ask, askText, act, byId, made, line, say };
const showConsents = makeConsents(tools);
const showAccesses = makeAccesses(tools);
const rights = makeRights({ ...tools, refresh });
const offerWhatIf = makeWhatIf(tools);

async function showMine(first) {
  await Promise.all([showConsents(), showAccesses(), rights.show()]);
  show(first, ...MINE);
  say("");
}

async function showScore() {
  const score = await ask("/v1/me/score");
  const [explanation, names] = await Promise.all(
    [ask("/v1/me/score/explanation"), namesOfRules()]);
  byId("score").textContent = score.score;
  byId("band").textContent = score.band.name;
  byId("as-of").textContent = `按 ${score.as_of} 的记录计算 · 规则 ${score.rules_version}`;
  showExplanation(explanation, names);
  offerWhatIf(names);
  await showMine("inside");
}

async function showNotice() {
  const notice = await ask("/v1/notice");
  const parts = notice.items.flatMap((item) => [
    made("h3", item.title), made("p", item.text), made("p", `依据：${item.basis}`, "hint")]);
  byId("notice-text").replaceChildren(...parts);
  byId("notice").open = true;
  byId("enrol").onclick = () => act(async () => {
    await ask("/v1/me/enrolment", { method: "POST", body: { notice_version: notice.version } });
    await refresh();
  });
  show("outside");
  say("");
}

async function refresh() {
  if (!session || session.expiresAt < Date.now()) return goOut("");
  try {
    await showScore();
  } catch (error) {
    if (error.code === "not_enrolled") await showNotice();
    else if (error.code === "not_scored_yet") await showMine("waiting");
    else if (error.status === 401) goOut("登录已过期，请重新登录。");
    else throw error;
  }
  return undefined;
}

function goOut(words) {
  session = null;
  sessionStorage.removeItem(SESSION);
  show("welcome");
  say(words);
}

// A busy button cannot be pressed twice; a failure is told in the service's own words.
async function act(deed) {
  say("请稍候…");
  try {
    await deed();
  } catch (error) {
    say(error.message || "请稍后再试。");
  }
}

async function start() {
  ({ me: client } = await (await fetch("/console/config.json")).json());
  byId("login").hidden = !client;
  byId("login").onclick = () => act(() => beginLogin(client, redirectUri));
  byId("leave-session").onclick = () => goOut("您已退出登录。");
  byId("agreed").onchange = (event) => { byId("enrol").disabled = !event.target.checked; };
  byId("withdraw").onclick = () => byId("confirm").showModal();
  byId("confirm-no").onclick = () => byId("confirm").close();
  byId("confirm-yes").onclick = () => act(async () => {
    byId("confirm").close();
    await ask("/v1/me/enrolment", { method: "DELETE" });
    await refresh();
    say("您已退出，分数已删除。");
  });
  session = JSON.parse(sessionStorage.getItem(SESSION) ?? "null");
  const fresh = client && await finishLogin(client, redirectUri);
  if (fresh) {
    session = fresh;
    sessionStorage.setItem(SESSION, JSON.stringify(session));
  }
  await refresh();
}

start().catch((error) => {
  show(session ? "leaving" : "welcome");
  say(error.message || "暂时无法打开，请稍后再试。");
});
