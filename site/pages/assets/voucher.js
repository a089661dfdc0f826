"use strict";
// Verifies a voucher on this device alone (api/vouchers describes its bytes). Nothing is fetched or
// sent; of a used voucher its random number is kept until it has expired.
(() => {
  const HEADER = "eyJhbGciOiJFUzI1NiIsInR5cCI6InZvdWNoZXIrand0In0"; // {"alg":"ES256","typ":"voucher+jwt"}
  const MOST_CHARS = 300;
  const LIFETIME_SECONDS = 120;
  const CLOCK_DIFFERENCE_SECONDS = 10;
  const MEMORY = "chengxin-vouchers-seen";
  const WORDS = {
    accepted: "有效，请提供优惠。",
    malformed: "无法核验：这不是凭证，或内容不完整。",
    not_ours: "无法核验：不是本市信用服务签发的，或内容被改动过。",
    another_partner: "不属于本处：凭证是给另一家的。",
    another_policy: "不属于本处：凭证是给另一项优惠的。",
    expired: "已过期，请市民重新生成一张。",
    future: "还不能用：请先核对本设备的时钟。",
    used: "已用过，请市民重新生成一张。",
    no_choice: "请先选择本处提供的优惠。",
    no_token: "请先扫入或粘贴凭证。",
    no_key: "没有可用的公钥：请粘贴本站发布的公钥集。",
    no_crypto: "浏览器不允许在此核验：请通过 https 打开本页。",
  };

  class Refused extends Error {}

  function bytesOf(text) {
    if (!/^[A-Za-z0-9_-]+$/.test(text) || text.length % 4 === 1) throw new Refused("malformed");
    const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    const again = btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
    if (again !== text) throw new Refused("malformed"); // one spelling for one voucher
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  }

  function claimsOf(bytes) {
    let claims;
    let text;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      claims = JSON.parse(text);
    } catch {
      throw new Refused("malformed");
    }
    const isObject = claims !== null && typeof claims === "object" && !Array.isArray(claims);
    const names = isObject ? Object.keys(claims).sort().join() : "";
    const isTyped =
      names === "aud,exp,jti,policy" &&
      /^[a-z][a-z0-9_]{0,63}$/.test(claims.aud) && typeof claims.aud === "string" &&
      /^[a-z][a-z0-9_]{0,63}$/.test(claims.policy) && typeof claims.policy === "string" &&
      /^[A-Za-z0-9_-]{16}$/.test(claims.jti) && typeof claims.jti === "string" &&
      Number.isSafeInteger(claims.exp) && claims.exp >= 0;
    // Written as we write it, so that no member can stand there twice.
    const canonical = isTyped && JSON.stringify({
      aud: claims.aud, exp: claims.exp, jti: claims.jti, policy: claims.policy,
    });
    if (canonical !== text) throw new Refused("malformed");
    return claims;
  }

  async function keysIn(text) {
    let listed;
    try {
      listed = JSON.parse(text).keys;
    } catch {
      throw new Refused("no_key");
    }
    const usable = (Array.isArray(listed) ? listed : []).filter(
      (jwk) => jwk && jwk.kty === "EC" && jwk.crv === "P-256" && jwk.alg === "ES256",
    );
    const imported = usable.map(({ kty, crv, x, y }) =>
      crypto.subtle
        .importKey("jwk", { kty, crv, x, y }, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"])
        .catch(() => null),
    );
    const keys = (await Promise.all(imported)).filter(Boolean);
    if (keys.length === 0) throw new Refused("no_key");
    return keys;
  }

  async function verified(token, keyText, partner, policy, now) {
    const parts = token.split(".");
    if (parts.length !== 3 || parts[0] !== HEADER || token.length > MOST_CHARS) {
      throw new Refused("malformed");
    }
    const signature = bytesOf(parts[2]);
    const payload = bytesOf(parts[1]);
    if (signature.length !== 64) throw new Refused("malformed");
    const content = new TextEncoder().encode(`${parts[0]}.${parts[1]}`);
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const keys = await keysIn(keyText);
    const verdicts = await Promise.all(
      keys.map((key) => crypto.subtle.verify(algorithm, key, signature, content)),
    );
    if (!verdicts.includes(true)) throw new Refused("not_ours");
    const claims = claimsOf(payload);
    if (claims.aud !== partner) throw new Refused("another_partner");
    if (claims.policy !== policy) throw new Refused("another_policy");
    if (now >= claims.exp) throw new Refused("expired");
    if (now < claims.exp - LIFETIME_SECONDS - CLOCK_DIFFERENCE_SECONDS) throw new Refused("future");
    return claims;
  }

  const held = new Map(); // stands in where the browser keeps nothing for this page

  function useOnce(claims, now) {
    try {
      for (const [jti, exp] of JSON.parse(localStorage.getItem(MEMORY) || "[]")) held.set(jti, exp);
    } catch {
      // a private window: this page's own memory has to do
    }
    for (const [jti, exp] of held) if (exp <= now) held.delete(jti);
    if (held.has(claims.jti)) throw new Refused("used");
    held.set(claims.jti, claims.exp);
    try {
      localStorage.setItem(MEMORY, JSON.stringify([...held]));
    } catch {
      // as above
    }
  }

  function show(code) {
    const place = document.getElementById("voucher-result");
    place.textContent = WORDS[code];
    place.dataset.verdict = code;
  }

  async function judge() {
    const [partner, policy] = document.getElementById("voucher-choice").value.split("/");
    const field = document.getElementById("voucher-token");
    const pasted = document.getElementById("voucher-key").value.trim();
    const token = field.value.trim();
    field.value = "";
    field.focus();
    try {
      if (!globalThis.crypto || !crypto.subtle) throw new Refused("no_crypto");
      if (!policy) throw new Refused("no_choice");
      if (!token) throw new Refused("no_token");
      const now = Math.floor(Date.now() / 1000);
      const keyText = pasted || document.getElementById("voucher-keys").textContent;
      useOnce(await verified(token, keyText, partner, policy, now), now);
      show("accepted");
    } catch (error) {
      show(error instanceof Refused ? error.message : "malformed");
    }
  }

  document.getElementById("voucher-form").addEventListener("submit", (event) => {
    event.preventDefault();
    judge();
  });
  // A scanner types the voucher and then Enter.
  document.getElementById("voucher-token").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    judge();
  });
})();
