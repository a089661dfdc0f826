// Parts that pages are made of. Text never becomes markup.
export const byId = (id) => document.getElementById(id);

export function made(name, text = "", className = "") {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

export const line = (text, className = "") => made("span", text, className);

export function entry(...parts) {
  const element = made("li");
  element.append(...parts);
  return element;
}

export function option(words, value, isChosen = false) {
  const element = made("option", words);
  element.value = value;
  element.selected = isChosen;
  return element;
}

// `pairs`: [term, words]; a pair without words is left out.
export function facts(...pairs) {
  const list = made("dl");
  for (const [term, words] of pairs) {
    if (words) list.append(made("dt", term), made("dd", words));
  }
  return list;
}

const insides = new WeakMap();

// Closed; what is inside is made by `fill` when it is first opened, or asked for by `filled`.
export function fold(words, fill) {
  const place = made("details");
  place.append(made("summary", words));
  insides.set(place, fill);
  place.addEventListener("toggle", () => {
    if (place.open) filled(place);
  });
  return place;
}

export function filled(place) {
  const fill = insides.get(place);
  insides.delete(place);
  fill?.(place);
}

// The service's own image, parsed as an image: it brings no script, and the policy would stop one.
export function picture(svg, label) {
  const image = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  image.setAttribute("role", "img");
  image.setAttribute("aria-label", label);
  image.setAttribute("viewBox", `0 0 ${image.getAttribute("width")} ${image.getAttribute("height")}`);
  return document.importNode(image, true);
}

export function download(text, name) {
  const link = made("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

// 2026-11-22 and 2026-11-22 14:05, as the site and the records write days. The locale is Swedish
// because it is the one that writes them so.
export const day = (instant) => new Date(instant).toLocaleDateString("sv-SE");

export const moment = (instant) => new Date(instant).toLocaleString("sv-SE", { dateStyle: "short", timeStyle: "short" });
