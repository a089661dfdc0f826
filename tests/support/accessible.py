"""What a page must not do to whoever reads it large, by keyboard or by ear: looked for in the page as
it is shown. WCAG 2.2: 1.3.1, 1.4.3, 1.4.10, 2.4.6, 2.5.8, 4.1.2."""

# An array of findings. Contrast is of each text with the nearest ground that is not transparent.
FINDINGS = """() => {
  const found = [];
  // Off the screen or clear as glass is for later: the theme's drawer and search field.
  const onScreen = ({ right, bottom, left }) => right > 0 && bottom + scrollY > 0 && left < innerWidth;
  const shown = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    && e.getClientRects().length > 0 && onScreen(e.getBoundingClientRect());
  const told = (what, e) => found.push(`${what}: ${e.outerHTML.slice(0, 120)}`);
  const all = (query) => [...document.querySelectorAll(query)].filter(shown);

  if (document.documentElement.scrollWidth > innerWidth) found.push(`wider than ${innerWidth}`);
  if (!document.documentElement.lang) found.push("no language");
  if (!document.title) found.push("no title");
  if (all("main").length !== 1) found.push("not one main");
  if (all("h1").length !== 1) found.push("not one h1");

  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) found.push(`twice: #${id}`);
  for (const e of document.querySelectorAll("[aria-labelledby],[aria-describedby],label[for]")) {
    const named = `${e.getAttribute("aria-labelledby") ?? ""} ${e.getAttribute("aria-describedby") ?? ""} ${e.htmlFor ?? ""}`;
    for (const id of named.split(" ").filter(Boolean)) if (!document.getElementById(id)) told(`names nothing #${id}`, e);
  }

  let level = 0;
  for (const e of all("h1,h2,h3,h4,h5,h6")) {
    const own = Number(e.tagName[1]);
    if (own > level + 1) told("a level left out", e);
    level = own;
  }

  for (const e of all("button,a[href],input,select,textarea,summary")) {
    const labels = [...(e.labels ?? [])].map((label) => label.textContent).join("");
    const name = e.getAttribute("aria-label") || labels || e.textContent || e.title
      || (e.getAttribute("aria-labelledby") && "named");
    if (!name.trim()) told("without a name", e);
    const inLine = e.tagName === "A" && getComputedStyle(e).display.startsWith("inline");
    const box = e.getBoundingClientRect();
    if (!inLine && (box.width < 24 || box.height < 24)) told("too small to touch", e);
  }

  const parts = (colour) => (colour.match(/[0-9.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((p) => p / 255)
    .map((p) => (p <= 0.04045 ? p / 12.92 : ((p + 0.055) / 1.055) ** 2.4))
    .reduce((sum, p, at) => sum + p * [0.2126, 0.7152, 0.0722][at], 0);
  const groundOf = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const ground = parts(getComputedStyle(at).backgroundColor);
      if (ground.length === 3 || ground[3] === 1) return ground;
    }
    return [255, 255, 255];
  };
  for (const e of all("main *, nav *, header *")) {
    const words = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!words || e.closest("svg,:disabled")) continue;
    const [high, low] = [light(parts(getComputedStyle(e).color)), light(groundOf(e))].sort((a, b) => b - a);
    if ((high + 0.05) / (low + 0.05) < 4.5) told(`contrast ${((high + 0.05) / (low + 0.05)).toFixed(1)}`, e);
  }
  return found;
}"""
