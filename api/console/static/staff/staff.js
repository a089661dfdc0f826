// 案件办理: the credit office's queue. What is looked at here is a line its citizen sees.
import { makeActing, makeAsking } from "/console/asking.js";
import { byId, entry, line, made, option } from "/console/elements.js";
import { beginLogin, claimsOf, finishLogin } from "/console/oidc.js";
import { makeCase } from "/staff/case.js";
import { STATES, TYPES, WANTED } from "/staff/words.js";

const redirectUri = `${location.origin}/staff/`;
const REVIEWER = "staff:reviewer";
const { ask, keep, token, isLoggedIn } = makeAsking("chengxin.staff");
const say = (words) => { byId("status").textContent = words; };
const act = makeActing(say, () => goOut("登录已过期，请重新登录。"));
const showCase = makeCase({ ask, act, say, acted, nameOf, me });
let rules = [];
let kinds = new Map();

function me() {
  const claims = claimsOf(token());
  return { id: claims.sub, isReviewer: claims.scope.split(" ").includes(REVIEWER) };
}

function nameOf(record) {
  const rule = rules.find(({ kind, outcome }) => kind === record.kind && outcome === record.outcome);
  return rule?.name ?? kinds.get(record.kind) ?? record.kind;
}

const typeNow = () => (location.hash.slice(2) in TYPES ? location.hash.slice(2) : "disputes");

async function open(id) {
  const type = typeNow();
  const found = await ask(`/v1/staff/${type}/${id}`);
  showCase(type, found);
  for (const each of byId("queue").querySelectorAll("button")) {
    if (each.dataset.id === id) each.setAttribute("aria-current", "true");
    else each.removeAttribute("aria-current");
  }
  byId("case").focus();
  say("");
}

async function acted(id) {
  await queue("");
  await open(id);
  await figures();
}

function lineOf(found) {
  const button = made("button");
  button.type = "button";
  button.dataset.id = found.id;
  button.append(line(`${found.due_on} 前办结`, "name"),
    line(`${STATES[found.status]}${found.is_overdue ? " · 已逾期" : ""}`, found.is_overdue ? "problem" : ""),
    line(`受理于 ${found.opened_at.slice(0, 10)} · ${found.id.slice(0, 8)}`, "hint"));
  button.onclick = () => act(() => open(found.id));
  return entry(button);
}

async function queue(cursor) {
  const after = cursor ? `&cursor=${cursor}` : "";
  const address = `/v1/staff/${typeNow()}?limit=50&status=${byId("wanted").value}${after}`;
  const { items, next_cursor: following } = await ask(address);
  if (!cursor) byId("queue").replaceChildren();
  byId("queue").append(...items.map(lineOf));
  byId("no-cases").hidden = byId("queue").children.length > 0;
  byId("more").hidden = !following;
  byId("more").onclick = () => act(async () => {
    await queue(following);
    say("");
  });
}

function figureRow(name, of, least) {
  const few = `不足 ${least} 人`;
  const row = made("tr");
  const head = made("th", name);
  head.scope = "row";
  row.append(head, ...[of.received, of.decided, of.given, of.median_days, of.overdue].map(
    (value) => made("td", value === null ? few : String(value))));
  return row;
}

async function figures() {
  const all = await ask("/v1/stats/repair");
  byId("figures-hint").textContent = `截至 ${all.as_of}，与网站公布的相同；不足 ${all.least_citizens} 人的不显示。`;
  byId("figures").replaceChildren(...Object.entries(TYPES).map(
    ([type, { name }]) => figureRow(name, all[type], all.least_citizens)));
}

function showTypes() {
  byId("types").replaceChildren(...Object.entries(TYPES).map(([type, { name }]) => {
    const link = made("a", name);
    link.href = `#/${type}`;
    if (type === typeNow()) link.setAttribute("aria-current", "page");
    return link;
  }));
}

function closeCase() {
  byId("case-title").textContent = "请选择一件";
  byId("case-parts").replaceChildren(made("p", "先到期的排在前面。您的每次查看，当事人都看得到。", "hint"));
}

async function turn() {
  showTypes();
  closeCase();
  await queue("");
  say("");
}

async function showDesk() {
  if (!isLoggedIn()) return goOut("");
  const [published, catalogue] = await Promise.all([ask("/v1/rules"), ask("/v1/catalogue")]);
  rules = published.rules;
  kinds = new Map(catalogue.items.map((item) => [item.id, item.name]));
  byId("wanted").replaceChildren(...WANTED.map(([value, words]) => option(words, value)));
  byId("wanted").onchange = () => act(turn);
  await turn();
  await figures();
  byId("who").textContent = `${me().id} · ${me().isReviewer ? "复核人员" : "经办人员"}`;
  byId("welcome").hidden = true;
  byId("desk").hidden = false;
  byId("leave-session").hidden = false;
  return undefined;
}

function goOut(words) {
  keep(null);
  byId("who").textContent = "";
  byId("leave-session").hidden = true;
  byId("desk").hidden = true;
  byId("welcome").hidden = false;
  closeCase();
  byId("queue").replaceChildren();
  say(words);
}

async function start() {
  const { staff: client } = await ask("/console/config.json");
  byId("login").hidden = !client;
  byId("login").onclick = () => act(() => beginLogin(client, redirectUri));
  byId("leave-session").onclick = () => goOut("您已退出登录。");
  addEventListener("hashchange", () => act(turn));
  const given = client && await finishLogin(client, redirectUri);
  if (given) keep(given);
  await showDesk();
}

start().catch((error) => goOut(error.message));
