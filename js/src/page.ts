/** The same panel on a plain page, for a projector or a second screen. It fills the window. */

import { withoutToken } from "./address";
import { openPanel } from "./panel";

const place = document.getElementById("nbgroupchat");
if (place !== null) {
  const panel = openPanel(place.dataset["room"] ?? "lobby", null, null);
  panel.element.classList.add("nbgc-page");
  place.append(panel.element);
  // A projector shows the address bar too. The server has set its cookie together with this page.
  const address = withoutToken(location.href);
  if (address !== null) history.replaceState(history.state, "", address);
}
