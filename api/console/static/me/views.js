// One page, five views: what is shown follows the citizen's state and the part after `#/`.
import { byId, made } from "/console/elements.js";

// [name, words, sections]. The first view's section depends on the state.
const VIEWS = [
  ["score", "分数", []],
  ["benefits", "激励", ["vouchers", "consents"]],
  ["asked", "询问", ["news", "accesses"]],
  ["rights", "权利", ["rights"]],
  ["account", "账户", ["account", "leaving"]],
];
// Whoever is outside still may see who asked, follow her cases and take her data with her.
const OF_STATE = {
  outside: ["score", "asked", "rights"],
  changed: ["score", "asked", "rights", "account"],
  waiting: ["score", "benefits", "asked", "rights", "account"],
  inside: ["score", "benefits", "asked", "rights", "account"],
};
const FIRST = ["welcome", "failed", "outside", "changed", "waiting", "inside"];
const SECTIONS = [...FIRST, ...VIEWS.flatMap(([, , sections]) => sections)];

let state = "welcome";
let unread = new Set();
let isAnnounced = false;

function chosenName() {
  const names = OF_STATE[state] ?? [];
  const wanted = location.hash.slice(2);
  return names.includes(wanted) ? wanted : "score";
}

function link([name, words], chosen) {
  const element = made("a", name === "score" && state === "outside" ? "加入" : words);
  element.href = `#/${name}`;
  if (name === chosen) element.setAttribute("aria-current", "page");
  return element;
}

function draw() {
  const names = OF_STATE[state] ?? [];
  const chosen = chosenName();
  const [, , sections] = VIEWS.find(([name]) => name === chosen);
  const first = isAnnounced ? ["changed", state] : [state];
  const shown = chosen === "score" ? first : sections;
  for (const name of SECTIONS) byId(name).hidden = !shown.includes(name) || unread.has(name);
  byId("views").hidden = names.length === 0;
  byId("views").replaceChildren(
    ...VIEWS.filter(([name]) => names.includes(name)).map((view) => link(view, chosen)));
}

// `failed`: sections that could not be read and would say what is not so.
// `announced`: a change to come is told above.
export function show(first, failed = [], announced = false) {
  state = first;
  isAnnounced = announced;
  unread = new Set(failed);
  draw();
}

addEventListener("hashchange", () => {
  draw();
  scrollTo(0, 0);
  byId("views").querySelector("[aria-current]")?.focus({ preventScroll: true });
});
