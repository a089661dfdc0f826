// The console: reads the service's own OpenAPI document and sends what is filled in. No library.
import { beginLogin, finishLogin } from "/console/oidc.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const MAX_SHOWN_CHARS = 200_000;
const redirectUri = `${location.origin}/console/`;
const byId = (id) => document.getElementById(id);
let api;

// A node; strings become text, never markup.
function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function resolved(part) {
  let found = part;
  while (found?.$ref) {
    found = found.$ref.slice(2).split("/").reduce(
      (at, name) => at?.[name.replaceAll("~1", "/").replaceAll("~0", "~")], api);
  }
  return found ?? {};
}

function* operationsOf(document) {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const shared = item.parameters ?? [];
      const own = item[method];
      yield { ...own, method, path, id: own.operationId,
        parameters: [...shared, ...(own.parameters ?? [])].map(resolved) };
    }
  }
}

// --- the list

function showList(operations) {
  const described = new Map((api.tags ?? []).map((tag) => [tag.name, tag]));
  const groups = Map.groupBy
    ? Map.groupBy(operations, (operation) => operation.tags?.[0] ?? "")
    : operations.reduce((map, operation) => {
      const tag = operation.tags?.[0] ?? "";
      return map.set(tag, [...(map.get(tag) ?? []), operation]);
    }, new Map());
  const order = [...described.keys(), ...groups.keys()];
  const names = [...new Set(order)].filter((name) => groups.has(name));
  byId("operations").replaceChildren(...names.map((name) => node("details", { open: true },
    node("summary", {}, described.get(name)?.["x-displayName"] ?? (name || "其他")),
    node("p", { class: "hint" }, described.get(name)?.description ?? ""),
    node("ul", {}, ...groups.get(name).map(listed)))));
}

function listed(operation) {
  return node("li", {}, node("a", { href: `#${operation.id}` },
    node("span", { class: `method ${operation.method}` }, operation.method.toUpperCase()),
    node("span", { class: "what" }, node("span", {}, operation.summary ?? operation.id),
      node("code", {}, operation.path))));
}

// --- one operation

function showChosen(operations) {
  const id = decodeURIComponent(location.hash.slice(1));
  const chosen = operations.find((operation) => operation.id === id);
  for (const link of byId("operations").querySelectorAll("a")) {
    if (link.hash.slice(1) === id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  if (!chosen) return;
  byId("operation").replaceChildren(...operationParts(chosen));
  byId("operation").focus({ preventScroll: false });
}

function operationParts(operation) {
  const answer = node("section", { "aria-labelledby": "answer-title", hidden: true },
    node("h3", { id: "answer-title" }, "答复"), node("div", { id: "answer" }));
  const form = node("form", { novalidate: true, onsubmit: (event) => {
    event.preventDefault();
    send(operation, form, answer);
  } },
  ...operation.parameters.map(parameterField), bodyField(operation),
  node("button", { class: "main" }, "发送请求"), node("p", { role: "status", id: "progress" }));
  return [
    node("h2", {}, operation.summary ?? operation.id),
    node("p", { class: "address" },
      node("span", { class: `method ${operation.method}` }, operation.method.toUpperCase()),
      node("code", {}, operation.path)),
    ...paragraphs(operation.description),
    node("p", { class: "hint" }, needsToken(operation) ? "需要访问令牌。" : "公开接口，不需要令牌。"),
    form, answer, documentedAnswers(operation)];
}

// Descriptions are CommonMark; ours use paragraphs and `code` alone.
function paragraphs(text) {
  return (text ?? "").split(/\n\s*\n/).filter(Boolean).map((part) => node("p", {}, ...coded(part)));
}

function coded(text) {
  return text.split("`").map((part, index) => (index % 2 ? node("code", {}, part) : part));
}

function needsToken(operation) {
  const security = operation.security ?? api.security ?? [];
  return security.length > 0 && security.every((entry) => Object.keys(entry).length > 0);
}

function exampleOf(part) {
  const schema = resolved(part.schema);
  const first = Object.values(part.examples ?? {})[0];
  return resolved(first).value ?? part.example ?? schema.examples?.[0] ?? schema.default ?? "";
}

function parameterField(parameter, index) {
  const id = `parameter-${index}`;
  const isKey = parameter.name.toLowerCase() === "idempotency-key";
  const value = isKey ? crypto.randomUUID() : parameter.required ? exampleOf(parameter) : "";
  return node("div", { class: "field" },
    node("label", { for: id }, `${parameter.name}${parameter.required ? "(必填)" : ""}`),
    node("input", { id, name: `${parameter.in}:${parameter.name}`, value: String(value),
      required: parameter.required, autocomplete: "off", spellcheck: "false",
      "aria-describedby": `${id}-hint` }),
    node("p", { id: `${id}-hint`, class: "hint" }, parameter.description ?? ""));
}

function bodyField(operation) {
  const body = resolved(operation.requestBody);
  const content = body.content?.["application/json"];
  if (!content) return null;
  const example = exampleOf(content) || {};
  return node("div", { class: "field" },
    node("label", { for: "body" }, "请求内容（JSON）"),
    node("textarea", { id: "body", name: "body", rows: 8, spellcheck: "false",
      "aria-describedby": "body-hint" }, JSON.stringify(example, null, 2)),
    node("p", { id: "body-hint", class: "hint" }, body.description ?? ""));
}

function documentedAnswers(operation) {
  return node("details", {}, node("summary", {}, "可能的答复"),
    node("dl", {}, ...Object.entries(operation.responses ?? {}).flatMap(([status, part]) => [
      node("dt", {}, status), node("dd", {}, ...coded(resolved(part).description ?? ""))])));
}

// --- sending

function requestOf(operation, form) {
  const headers = { Accept: "application/json, application/problem+json, */*;q=0.1" };
  const query = new URLSearchParams();
  let path = operation.path;
  for (const input of form.querySelectorAll("input[name]")) {
    const [place, ...rest] = input.name.split(":");
    const name = rest.join(":");
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(input.value));
    else if (input.value && place === "query") query.append(name, input.value);
    else if (input.value && place === "header") headers[name] = input.value;
  }
  const token = byId("token").value.trim();
  if (token && needsToken(operation)) headers.Authorization = `Bearer ${token}`;
  const body = form.querySelector("#body")?.value;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const url = path + (query.size ? `?${query}` : "");
  return { url, init: { method: operation.method.toUpperCase(), headers, body,
    credentials: "omit", cache: "no-store", redirect: "manual" } };
}

async function send(operation, form, answer) {
  const { url, init } = requestOf(operation, form);
  const progress = byId("progress");
  progress.textContent = "正在发送…";
  const startedAt = performance.now();
  try {
    const response = await fetch(url, init);
    const text = await response.text();
    const took = Math.round(performance.now() - startedAt);
    progress.textContent = `答复 ${response.status}，用时 ${took} 毫秒`;
    byId("answer").replaceChildren(...answerParts(response, text, url, init));
  } catch (error) {
    progress.textContent = "请求没有送达";
    byId("answer").replaceChildren(node("p", { class: "problem" }, String(error.message ?? error)));
  }
  answer.hidden = false;
}

function answerParts(response, text, url, init) {
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return [
    node("p", {}, node("strong", { class: response.ok ? "good" : "problem" },
      `${response.status} ${response.statusText}`.trim())),
    node("h4", {}, "内容"), block(readable(text), "答复内容"),
    node("h4", {}, "响应头"), block(headers, "响应头"),
    node("h4", {}, "同样的请求（curl）"), block(curlOf(url, init), "curl 命令")];
}

function block(text, label) {
  return node("pre", { tabindex: "0", role: "region", "aria-label": label }, text || "(空)");
}

function readable(text) {
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch { /* not JSON: shown as it came */ }
  return shown.length > MAX_SHOWN_CHARS
    ? `${shown.slice(0, MAX_SHOWN_CHARS)}\n…(其余 ${shown.length - MAX_SHOWN_CHARS} 字未显示)` : shown;
}

function curlOf(url, init) {
  const quoted = (value) => `'${value.replaceAll("'", "'\\''")}'`;
  const headers = Object.entries(init.headers)
    .filter(([name]) => name !== "Accept")
    .map(([name, value]) => `-H ${name === "Authorization" ? '"Authorization: Bearer $TOKEN"'
      : quoted(`${name}: ${value}`)}`);
  const method = init.method === "GET" ? [] : [`-X ${init.method}`];
  const body = init.body === undefined ? [] : [`--data ${quoted(init.body)}`];
  return ["curl -i", ...method, ...headers, ...body, quoted(location.origin + url)].join(" \\\n  ");
}

// --- start

async function setUpLogin() {
  const { console: client } = await (await fetch("/console/config.json")).json();
  if (!client) return;
  byId("login").hidden = false;
  byId("login").addEventListener("click", () => beginLogin(client, redirectUri).catch(
    () => say("暂时无法连接身份平台")));
  const session = await finishLogin(client, redirectUri);
  if (session) {
    byId("token").value = session.token;
    say(`已登录，令牌有效至 ${new Date(session.expiresAt).toLocaleTimeString("zh-CN")}`);
  }
}

function say(text) {
  byId("identity-status").textContent = text;
}

byId("identity-form").addEventListener("submit", (event) => event.preventDefault());
byId("forget").addEventListener("click", () => {
  byId("token").value = "";
  say("令牌已清除");
});

async function start() {
  await setUpLogin().catch((error) => say(error.message));
  api = await (await fetch("/schema/openapi.json")).json();
  byId("about").textContent = `${api.info.title} ${api.info.version} · ${api.info.summary ?? ""}`;
  const operations = [...operationsOf(api)];
  showList(operations);
  addEventListener("hashchange", () => showChosen(operations));
  if (location.hash) showChosen(operations);
}

start().catch(() => { byId("about").textContent = "接口文档暂时无法读取，请稍后刷新。"; });
