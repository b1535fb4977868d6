/** The same panel on a plain page, for a projector or a second screen. It fills the window. */

import { openPanel } from "./panel";

const place = document.getElementById("nbgroupchat");
if (place !== null) {
  const panel = openPanel(place.dataset["room"] ?? "lobby", null);
  panel.element.classList.add("nbgc-page");
  place.append(panel.element);
}
