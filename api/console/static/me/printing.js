// On paper every record stands with its basis; on the screen it is afterwards as it was before.
import { byId, filled } from "/console/elements.js";

export function makePrinting(whole) {
  function makeAll() {
    for (const place of whole.querySelectorAll("details")) {
      filled(place);
      const more = place.querySelector(":scope > button");
      while (more && !more.hidden) more.onclick();
    }
  }

  addEventListener("beforeprint", () => {
    makeAll();
    // Again for what stands inside what the first round made.
    makeAll();
    for (const place of whole.querySelectorAll("details:not([open])")) {
      place.open = true;
      place.dataset.printed = "";
    }
  });
  addEventListener("afterprint", () => {
    for (const place of whole.querySelectorAll("details[data-printed]")) {
      place.open = false;
      delete place.dataset.printed;
    }
  });
  byId("print").onclick = () => print();
}
