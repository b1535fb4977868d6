import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox, type Wire } from "../src/outbox";
import { PART, base64, fetchFile } from "../src/upload";
import { FakeClock, FakeHub, settle } from "./fakes";

function opened(): { clock: FakeClock; hub: FakeHub; wire: Wire; box: Outbox } {
  const clock = new FakeClock();
  const hub = new FakeHub();
  const wire: Wire = { invoke: (m, a) => hub.invoke(m, a), send: (m, a) => hub.send(m, a) };
  const box = new Outbox("lobby", clock, () => {}, () => {});
  box.resume(wire);
  return { clock, hub, wire, box };
}

const file = (size: number, id = "f1"): { id: string; name: string; mime: string; data: Uint8Array } => ({
  id, name: "n.txt", mime: "text/plain", data: new Uint8Array(size).fill(97),
});

test("a file goes in parts, one after another, and then the post that names it", async () => {
  const { hub, box } = opened();
  box.add({ method: "post", text: "look", files: [file(PART + 5)] });
  const { argument, answer } = hub.last("upload");
  assert.deepEqual({ ...argument, data: "" }, { room: "lobby", id: "f1", name: "n.txt", mime: "text/plain", size: PART + 5, at: 0, data: "" });
  assert.equal(hub.all("upload").length, 1);
  await answer({ held: PART });
  assert.deepEqual([hub.last("upload").argument["at"], hub.last("upload").argument["data"]], [PART, btoa("aaaaa")]);
  assert.equal(hub.all("post").length, 0);
  await hub.last("upload").answer({ held: PART + 5 });
  assert.deepEqual(hub.last("post").argument["attachments"], ["f1"]);
  await hub.last("post").answer({ id: "a", seq: 1, duplicate: false });
  assert.equal(box.pending[0]?.state, "acknowledged");
});

test("too fast is waited for, and the same part goes again", async () => {
  const { clock, hub, box } = opened();
  box.add({ method: "post", text: "", files: [file(5)] });
  await hub.last("upload").answer({ error: { code: "too_fast", message: "Wait.", retry_ms: 500 } });
  assert.equal(hub.all("upload").length, 1);
  await clock.pass(500);
  assert.deepEqual(hub.all("upload").map(({ argument }) => argument["at"]), [0, 0]);
});

test("a file that is refused fails its post, with the reason, and nothing is posted", async () => {
  const { hub, box } = opened();
  box.add({ method: "post", text: "look", files: [file(5)] });
  await hub.last("upload").answer({ error: { code: "invalid", message: "No picture.", retry_ms: null } });
  await settle();
  assert.deepEqual([box.pending[0]?.state, box.pending[0]?.error, hub.all("post").length], ["failed", "No picture.", 0]);
});

test("after a lost connection all of it goes again, under the same id of the post", async () => {
  const { hub, wire, box } = opened();
  box.add({ method: "post", text: "look", files: [file(5, "a"), file(5, "b")] });
  await hub.last("upload").answer({ held: 5 });
  box.pause();
  hub.drop();
  await settle();
  box.resume(wire);
  await settle();
  assert.deepEqual(hub.all("upload").map(({ argument }) => argument["id"]), ["a", "b", "a"]);
});

test("an attachment is fetched until all of it is there, and null where it is refused", async () => {
  const { hub, wire } = opened();
  const fetched = fetchFile(wire, "lobby", "x");
  await hub.last("download").answer({ data: btoa("abc"), size: 5 });
  assert.equal(hub.last("download").argument["at"], 3);
  await hub.last("download").answer({ data: btoa("de"), size: 5 });
  assert.deepEqual(await fetched, new TextEncoder().encode("abcde"));
  const refused = fetchFile(wire, "lobby", "y");
  await hub.last("download").answer({ error: { code: "not_found", message: "No.", retry_ms: null } });
  assert.equal(await refused, null);
});

test("base64 of large files is that of their bytes", () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => (at * 31) % 256);
  assert.equal(base64(bytes), Buffer.from(bytes).toString("base64"));
});
