/** The same panel on a plain page, for a projector or a second screen. It fills the window. */

import { messageIn, pathOf, withoutToken } from "./address";
import { openPanel } from "./panel";
import { serverOf } from "./server";

const place = document.getElementById("nbgroupchat");
if (place !== null) {
  const go = (room: string): void => {
    const server = serverOf(document);
    if (server !== null) location.assign(server.url(pathOf(room)));
  };
  const panel = openPanel(place.dataset["room"] ?? "lobby", { save: null, go, isPage: true }, null);
  panel.element.classList.add("nbgc-page");
  place.append(panel.element);
  const follow = (): void => {
    const message = messageIn(location.hash);
    if (message !== null) panel.show(message);
  };
  follow();
  addEventListener("hashchange", follow);
  // A projector shows the address bar too. The server has set its cookie together with this page.
  const address = withoutToken(location.href);
  if (address !== null) history.replaceState(history.state, "", address);
}
