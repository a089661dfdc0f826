// Questions to the service: one way to ask, one way to be refused, one session a page.

export class Refused extends Error {
  constructor(problem, words) {
    super(words ?? problem.detail ?? problem.title ?? "请稍后再试。");
    this.code = problem.code;
    this.status = problem.status ?? 0;
    this.problem = problem;
  }
}

const OFFLINE = "网络没有连通，请检查网络后再试。";
const LATER = new Set([429, 502, 503, 504]);

async function refusalOf(response) {
  let problem = {};
  try {
    problem = JSON.parse(await response.text());
  } catch { /* a proxy's page: the status is all there is */ }
  const seconds = Number(response.headers.get("Retry-After"));
  const words = problem.detail ?? problem.title ?? "服务暂时没有应答。";
  const isTold = LATER.has(response.status) && seconds > 0;
  const later = isTold ? `${words.replace(/，请稍后再试。$/, "。")}请在 ${seconds} 秒后再试。` : words;
  return new Refused({ ...problem, status: response.status }, later);
}

// `session`: kept for this tab alone, gone with it.
export function makeAsking(storageName) {
  const keys = new Map();
  let session = JSON.parse(sessionStorage.getItem(storageName) ?? "null");

  // The same wish sent again, after the network broke, is the same request to the service.
  function keyOf(wish) {
    if (!keys.has(wish)) keys.set(wish, crypto.randomUUID());
    return keys.get(wish);
  }

  async function askText(path, { method = "GET", body, accept = "*/*" } = {}) {
    // The page's own language: a phone set to another would get notes that do not fit the page.
    const headers = { Accept: accept, "Accept-Language": document.documentElement.lang };
    if (session) headers.Authorization = `Bearer ${session.token}`;
    if (body) headers["Content-Type"] = "application/json";
    const content = body && JSON.stringify(body);
    const wish = `${path} ${content}`;
    if (method === "POST") headers["Idempotency-Key"] = keyOf(wish);
    let response;
    try {
      response = await fetch(path, {
        method, headers, credentials: "omit", cache: "no-store", body: content,
      });
    } catch {
      throw new Refused({}, OFFLINE);
    }
    if (response.status < 500) keys.delete(wish);
    if (!response.ok) throw await refusalOf(response);
    return response.text();
  }

  async function ask(path, options) {
    const text = await askText(path, { accept: "application/json", ...options });
    return text ? JSON.parse(text) : null;
  }

  function keep(given) {
    session = given;
    if (given) sessionStorage.setItem(storageName, JSON.stringify(given));
    else sessionStorage.removeItem(storageName);
  }

  const isLoggedIn = () => Boolean(session) && session.expiresAt > Date.now();

  const token = () => session?.token ?? "";

  return { ask, askText, keep, token, isLoggedIn };
}

// A list drawn anew takes the button along that was pressed; a keyboard goes on where it was.
function keepPlace(section) {
  const focused = document.activeElement;
  if (!section || (focused !== document.body && focused?.checkVisibility())) return;
  const place = section.checkVisibility() ? section : document.querySelector("main");
  place.tabIndex = -1;
  place.focus({ preventScroll: true });
}

// What a touch does: one at a time, a failure told in words, an ended session sent to the log-in.
export function makeActing(say, onEnded) {
  let isBusy = false;
  return async function act(deed) {
    if (isBusy) return;
    isBusy = true;
    const section = document.activeElement?.closest("section");
    say("请稍候…");
    try {
      await deed();
    } catch (error) {
      if (error.status === 401) onEnded();
      else say(error.message || "请稍后再试。");
    } finally {
      isBusy = false;
      keepPlace(section);
    }
  };
}
