import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";

test("the plain page shows the room it names, and fills the window", async () => {
  const place = document.createElement("main");
  place.id = "nbgroupchat";
  place.dataset["room"] = "attic";
  document.body.append(place);
  await import("../src/page");
  const root = place.querySelector<HTMLElement>(".nbgroupchat");
  assert.equal(root?.dataset["room"], "attic");
  assert.ok(root?.classList.contains("nbgc-page"));
});
