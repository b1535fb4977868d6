import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeEvents } from "../src/protocol";
import { View } from "../src/view";
import { posted, redacted } from "./fakes";
import { show } from "./shown";

const ID = "0a".repeat(32);
const EVIL = '"><img src=x onerror=alert(1)><script>alert(2)</script>';

function attached(change: object = {}): object {
  return { id: ID, name: "plot.png", mime: "image/png", size: 9, width: 640, height: 480, text: "", cut: false, ...change };
}

test("names and texts of attachments stay text", async () => {
  const { root, find, all, hear } = await show();
  await hear(posted(1, "", { attachments: [attached({ name: EVIL, mime: "text/plain", text: EVIL, cut: true })] }));
  assert.equal(root.querySelectorAll("img, script").length, 0);
  assert.equal(find(".nbgc-file bdi").textContent, EVIL);
  assert.equal(find(".nbgc-file code").textContent, EVIL);
  assert.equal(find<HTMLDetailsElement>("details.nbgc-file").open, false);
  assert.equal(all(".nbgc-file .nbgc-note").length, 1);
});

test("a picture comes from the server's own address, with its size and a text for who does not see it", async () => {
  const shown = await show();
  const view = new View(shown.reader, {
    account: null, save: null, retry: () => {}, reload: () => {}, attachment: (room, id) => `/nbgroupchat/attachments/${room}/${id}`,
  });
  shown.view.dispose();
  document.body.append(view.element);
  await shown.hear(posted(1, "look", { attachments: [attached({ name: EVIL })] }));
  await frame();
  const picture = view.element.querySelector(".nbgc-picture img");
  assert.equal(picture?.getAttribute("src"), `/nbgroupchat/attachments/lobby/${ID}`);
  assert.deepEqual([picture?.getAttribute("width"), picture?.getAttribute("alt")], ["640", `Picture: ${EVIL}`]);
  assert.equal(shown.hub.all("download").length, 0);
});

test("where the server's address has no picture, it is fetched over the connection, once", async () => {
  const shown = await show();
  const view = new View(shown.reader, {
    account: null, save: null, retry: () => {}, reload: () => {}, attachment: () => "/elsewhere",
  });
  shown.view.dispose();
  document.body.append(view.element);
  await shown.hear(posted(1, "look", { attachments: [attached({ size: 3 })] }));
  await frame();
  const picture = view.element.querySelector(".nbgc-picture img");
  picture?.dispatchEvent(new Event("error"));
  await shown.hub.last("download").answer({ data: btoa("abc"), size: 3 });
  await frame();
  assert.match(picture?.getAttribute("src") ?? "", /^blob:/);
  picture?.dispatchEvent(new Event("error"));
  assert.equal(shown.hub.all("download").length, 1);
});

test("where the page does not reach the server, a picture is fetched over the connection", async () => {
  const { hub, find, hear } = await show();
  await hear(posted(1, "", { attachments: [attached({ size: 3 })] }));
  assert.deepEqual(hub.last("download").argument, { room: "lobby", id: ID, at: 0 });
  await hub.last("download").answer({ data: btoa("abc"), size: 3 });
  await frame();
  assert.match(find(".nbgc-picture img").getAttribute("src") ?? "", /^blob:/);
});

test("bytes that do not come, or are not as many as was said, are no picture", async () => {
  const { hub, find, hear } = await show();
  await hear(posted(1, "", { attachments: [attached({ size: 4 })] }));
  await hub.last("download").answer({ data: btoa("abc"), size: 3 });
  await frame();
  assert.ok(find(".nbgc-picture img").hasAttribute("data-missing"));
});

test("what was removed has no attachments any more", async () => {
  const { all, hear } = await show();
  await hear(posted(1, "look", { attachments: [attached({ mime: "text/csv" })] }));
  assert.equal(all("[data-attachment]").length, 1);
  await hear(redacted(2, "e1"));
  assert.equal(all("[data-attachment]").length, 0);
});

test("a message without a text is known by what it has attached", async () => {
  const { find, hear } = await show();
  await hear(posted(1, "", { attachments: [attached({ mime: "text/csv", name: "data.csv" })] }), posted(2, "x"), posted(3, "y", { reply_to: "e1" }));
  assert.equal(find(".nbgc-quoted").textContent, "data.csv");
});

test("an id that is no hash does not get into an address", () => {
  for (const id of ["../../etc/passwd", "", "javascript:alert(1)", `${ID}/..`]) {
    assert.throws(() => decodeEvents("lobby", [posted(1, "", { attachments: [attached({ id })] })]));
  }
});
