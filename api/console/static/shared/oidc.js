// Log-in with the city's OpenID provider: authorisation code, PKCE S256, state, nonce, iss.
const PENDING = "chengxin.login";

function base64url(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

export function claimsOf(token) {
  const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(part), (character) => character.codePointAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

async function discovered(issuer) {
  const answer = await fetch(`${issuer}/.well-known/openid-configuration`, { credentials: "omit" });
  const found = await answer.json();
  if (found.issuer !== issuer) throw new Error("身份平台的名称与设置不符");
  return found;
}

// Leaves the page. `client`: {issuer, client_id, scope}; `redirectUri` must be registered.
export async function beginLogin(client, redirectUri) {
  const provider = await discovered(client.issuer);
  const pending = { verifier: random(), state: random(), nonce: random(), hash: location.hash };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  const asked = new URLSearchParams({
    response_type: "code", client_id: client.client_id, redirect_uri: redirectUri,
    scope: client.scope, state: pending.state, nonce: pending.nonce,
    code_challenge: base64url(digest), code_challenge_method: "S256",
  });
  location.assign(`${provider.authorization_endpoint}?${asked}`);
}

// Null where the page was opened without an answer of the provider.
export async function finishLogin(client, redirectUri) {
  const back = new URLSearchParams(location.search);
  if (!back.has("state") || !(back.has("code") || back.has("error"))) return null;
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  sessionStorage.removeItem(PENDING);
  history.replaceState(null, "", location.pathname + (pending?.hash ?? ""));
  if (!pending || back.get("state") !== pending.state || back.get("iss") !== client.issuer) {
    throw new Error("登录答复不是本页发起的，已忽略");
  }
  if (back.get("error") === "access_denied") throw new Error("您取消了登录");
  if (back.has("error")) throw new Error(`登录没有完成(${back.get("error")})`);
  return exchanged(client, redirectUri, back.get("code"), pending);
}

async function exchanged(client, redirectUri, code, pending) {
  const provider = await discovered(client.issuer);
  const answer = await fetch(provider.token_endpoint, {
    method: "POST", credentials: "omit",
    body: new URLSearchParams({
      grant_type: "authorization_code", client_id: client.client_id, code,
      redirect_uri: redirectUri, code_verifier: pending.verifier,
    }),
  });
  const tokens = await answer.json();
  if (!answer.ok) throw new Error(`登录没有完成（${tokens.error}）`);
  const claims = claimsOf(tokens.id_token);
  if (claims.nonce !== pending.nonce || claims.aud !== client.client_id) {
    throw new Error("登录答复与请求不符，已忽略");
  }
  return { token: tokens.access_token, expiresAt: Date.now() + tokens.expires_in * 1000 };
}
