import { frame } from "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { PLAIN, type RoomPolicy } from "../src/protocol";
import { ANA, closed, opened, posted, ruled } from "./fakes";
import { key, show, write, type Shown } from "./shown";

const policy = (change: Partial<RoomPolicy>): RoomPolicy => ({ ...PLAIN, mention: "@llama", ...change });
const words = (shown: Shown): string[] => shown.text(".nbgc-rules > li");

test("nothing is said of a room in which nothing special holds", async () => {
  assert.equal((await show()).all(".nbgc-rules").length, 0);
});

test("what holds is said in words, to members and to instructors", async () => {
  const change = { locked: true, anonymous: true, slow_seconds: 30, agent: "hint", turns_per_hour: 1 } as const;
  const all = policy({ ...change, hours: ["mon 09:00-10:30"], zone: "Europe/Berlin" });
  assert.deepEqual(words(await show({ policy: all })), [
    "Exam: read only", "Open mon 09:00-10:30 (Europe/Berlin)", "Slow mode: 30 s between posts",
    "Anonymous to each other; instructors can see who wrote what", "llama gives hints", "1 question an hour",
  ]);
  const instructors = words(await show({ policy: all, role: "instructor" }));
  assert.deepEqual([instructors[0], instructors[3]], ["Exam: read only for members", "Members are anonymous to each other"]);
  assert.deepEqual(words(await show({ role: "observer" })), ["You read along"]);
});

test("a change is shown when it is heard, and an exam closes the text field of members alone", async () => {
  for (const role of ["member", "instructor"] as const) {
    const shown = await show({ role });
    await shown.hear(ruled(1, { locked: true }));
    const field = shown.find<HTMLTextAreaElement>(".nbgc-input");
    assert.equal(field.disabled, role === "member");
    assert.equal(shown.all(".nbgc-ask").length, role === "member" ? 0 : 1);
    assert.equal(field.placeholder, role === "member" ? "This room can only be read" : "Write a message");
    await shown.hear(ruled(2, { locked: false }));
    assert.equal(field.disabled, false);
  }
});

test("an agent that is turned off is not offered, and one that answers everything needs no mention", async () => {
  const shown = await show();
  await shown.hear(ruled(1, { agent: "off" }));
  assert.deepEqual([shown.all(".nbgc-ask").length, words(shown)], [0, ["llama is turned off"]]);
  await shown.hear(ruled(2, { agent: "on" }));
  await write(shown, "hello");
  assert.equal(shown.find(".nbgc-addressee").dataset["to"], "agent");
});

test("who is called something else now joins again to hear it", async () => {
  const shown = await show();
  await shown.hear(ruled(1, { anonymous: true }));
  const join = shown.hub.last("join");
  assert.deepEqual(join.argument["resume"], { epoch: "e1", seq: 1, eid: "e1" });
  const position = { epoch: "e1", seq: 1, eid: "e1" };
  await join.answer({
    you: { id: "m9", name: "Otter 3", kind: "human" }, policy: policy({ anonymous: true }), limits: { frame: 1, text: 1 }, position,
    base: 1, mode: "tail", pinned: [], role: "member",
  });
  await shown.hear({ type: "live", seq: 1 });
  assert.equal(shown.hub.all("join").length, 2);
  assert.deepEqual(shown.text(".nbgc-you bdi"), ["Otter 3"]);
});

test("only what may be done is offered: stops, pins and removals by the policy", async () => {
  const offered = (shown: Shown): string[] => shown.all("[data-tool]").map((one) => one.getAttribute("data-tool") ?? "");
  const entries = [posted(1, "@llama?"), opened(2, "e1"), closed(3, "e2", "yes"), posted(4, "@llama?"), opened(5, "e4")];
  const strict = policy({ stop: "asker", pin: "instructors", redact: "instructors" });
  const member = await show({ policy: strict });
  await member.hear(...entries);
  const writing = ["reply", "react"];
  assert.deepEqual([offered(member), member.all(".nbgc-stop").length], [[...writing, ...writing, "explain", ...writing], 0]);
  await member.hear(ruled(6, { locked: true }));
  assert.deepEqual(offered(member), ["explain"]);
  const instructor = await show({ policy: strict, role: "instructor" });
  await instructor.hear(...entries);
  assert.deepEqual(offered(instructor), [
    ...writing, "pin", "remove", ...writing, "again", "explain", "pin", "remove", ...writing, "pin", "remove",
  ]);
  assert.equal(instructor.all(".nbgc-stop").length, 1);
});

test("a post in slow mode says why it waits, and goes by itself; one that must wait for long is given back", async () => {
  const shown = await show();
  shown.reader.post("soon");
  await shown.hub.last("post").answer({ error: { code: "not_now", message: "Post again in 23 s.", retry_ms: 23_000 } });
  await frame();
  assert.match(shown.text("[data-pending='waiting'] .nbgc-note")[0] ?? "", /Post again in 23 s\./);
  await (shown.reader as unknown as { clock: { pass(ms: number): Promise<void> } }).clock.pass(23_000);
  assert.equal(shown.hub.all("post").length, 2);
  await shown.hub.last("post").answer({ error: { code: "not_now", message: "Ask again in 50 min.", retry_ms: 3_000_000 } });
  await frame();
  assert.equal(shown.text("[data-pending='failed'] .nbgc-note > span")[0], "Not sent: Ask again in 50 min.");
});

async function form(held: Partial<RoomPolicy> = {}): Promise<Shown> {
  const shown = await show({ role: "instructor" });
  shown.find<HTMLButtonElement>(".nbgc-rules-open").click();
  await frame();
  await shown.hub.last("set_policy").answer({ seq: 0, policy: policy(held) });
  await frame();
  return shown;
}

const field = (shown: Shown, name: string): HTMLInputElement => shown.find<HTMLInputElement>(`.nbgc-ruleform [name="${name}"]`);

async function save(shown: Shown): Promise<Record<string, unknown>> {
  shown.find(".nbgc-ruleform form").dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  await frame();
  const { room, cid, ...change } = shown.hub.last("set_policy").argument;
  assert.deepEqual([room, typeof cid], ["lobby", "string"]);
  return change;
}

test("another answer is offered to whoever may stop a reply, and to nobody where the agent is turned off", async () => {
  const entries = [posted(1, "@llama?", { by: ANA.id, name: ANA.name }), opened(2, "e1"), closed(3, "e2", "y", "length")];
  const again = (shown: Shown): number => shown.all("[data-tool='again'], [data-tool='go_on']").length;
  const asker = await show({ policy: policy({ stop: "asker" }) });
  await asker.hear(...entries);
  assert.equal(again(asker), 2);
  await asker.hear(ruled(4, { agent: "off" }));
  assert.equal(again(asker), 0);
  await asker.hear(ruled(5, { stop: "instructors" }));
  assert.equal(again(asker), 0);
});

test("the rules, the search and an explanation close one another", async () => {
  const shown = await show({ role: "instructor" });
  await shown.hear(posted(1, "@llama?"), opened(2, "e1"), closed(3, "e2", "yes"));
  const open = async (button: string): Promise<string[]> => {
    shown.find<HTMLButtonElement>(button).click();
    await frame();
    return shown.all(".nbgc-sheet").map((sheet) => sheet.className.replace("nbgc-sheet", "").trim());
  };
  const [rules, search, explain] = [".nbgc-rules-open", ".nbgc-search-open", "[data-tool='explain']"];
  for (const button of [rules, search, explain, search, rules, explain, rules]) {
    const expected = { [rules]: "nbgc-ruleform", [search]: "nbgc-search", [explain]: "" }[button];
    assert.deepEqual(await open(button), [expected]);
  }
});

test("members have no button for the rules", async () => {
  for (const role of ["member", "observer"]) assert.equal((await show({ role })).all(".nbgc-rules-open").length, 0);
});

test("the form opens with the focus in it, asks for what holds, and shows it; Escape closes it", async () => {
  const shown = await form({ slow_seconds: 30, prompt: "Give no code.", agent: "hint", hours: ["mon 09:00-10:30"], zone: "UTC" });
  assert.equal(document.activeElement, shown.find(".nbgc-ruleform .nbgc-close"));
  const shownNow = ["slow_seconds", "prompt", "agent", "hours", "zone"].map((name) => field(shown, name).value);
  assert.deepEqual(shownNow, ["30", "Give no code.", "hint", "mon 09:00-10:30", "UTC"]);
  for (const control of shown.all(".nbgc-ruleform :is(input, select, textarea)")) assert.ok(control.closest("label")?.textContent?.trim());
  key(shown.find(".nbgc-ruleform"), "Escape");
  await frame();
  assert.equal(shown.all(".nbgc-ruleform").length, 0);
  assert.equal(document.activeElement, shown.find(".nbgc-rules-open"));
});

test("what was changed is sent, and nothing else; then the form closes", async () => {
  const shown = await form({ slow_seconds: 30 });
  field(shown, "locked").checked = true;
  field(shown, "slow_seconds").value = "";
  field(shown, "hours").value = "Mon 09:00-10:30\n\n sun 10:00-12:00 ";
  field(shown, "zone").value = "Europe/Berlin";
  assert.deepEqual(await save(shown), {
    locked: true, slow_seconds: 0, hours: ["mon 09:00-10:30", "sun 10:00-12:00"], zone: "Europe/Berlin",
  });
  await shown.hub.last("set_policy").answer({ seq: 1, policy: policy({ locked: true }) });
  await frame();
  assert.equal(shown.all(".nbgc-ruleform").length, 0);
});

test("a refusal is said, and what was entered stays", async () => {
  const shown = await form();
  field(shown, "hours").value = "monday";
  assert.deepEqual((await save(shown))["hours"], ["monday"]);
  await shown.hub.last("set_policy").answer({ error: { code: "invalid", message: "That is no opening time.", retry_ms: null } });
  await frame();
  assert.deepEqual(shown.text(".nbgc-ruleform [role='alert']"), ["That is no opening time."]);
  assert.equal(field(shown, "hours").value, "monday");
});

test("an instructor asks who wrote something, where names are hidden and only there", async () => {
  const plain = await show({ role: "instructor" });
  await plain.hear(posted(1, "hi"));
  assert.equal(plain.all("[data-tool='who']").length, 0);
  const shown = await show({ role: "instructor", policy: policy({ anonymous: true }) });
  await shown.hear(posted(1, "hi", { name: "Otter 3" }), posted(2, "mine", { by: ANA.id }));
  assert.equal(shown.all("[data-tool='who']").length, 1);
  shown.find<HTMLButtonElement>("[data-tool='who']").click();
  await frame();
  assert.deepEqual(shown.hub.last("who").argument, { room: "lobby", id: "m2" });
  await shown.hub.last("who").answer({ user: "ben", name: "Ben <b>", kind: "human" });
  await frame();
  assert.deepEqual(shown.text(".nbgc-who bdi"), ["Otter 3 is Ben <b> (ben). That you asked is in the room's audit trail."]);
  key(shown.find(".nbgc-who-close"), "Escape");
  await frame();
  assert.equal(shown.all(".nbgc-who").length, 0);
  assert.equal(document.activeElement, shown.find("[data-tool='who']"));
});
