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

export const day = (instant) => new Date(instant).toLocaleDateString("zh-CN");

export const moment = (instant) => new Date(instant).toLocaleString("zh-CN", { dateStyle: "medium", timeStyle: "short" });
