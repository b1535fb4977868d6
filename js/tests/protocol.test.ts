import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Malformed, WIRE, decodeCancelAnswer, decodeChangeAnswer, decodeDownloadAnswer, decodeEvents, decodeExplanation, decodeHistoryAnswer,
  decodeJoined, decodePolicyAnswer, decodePostAnswer, decodeRoomsAnswer, decodeSearchAnswer, decodeTurnAnswer,
  decodeUploadAnswer, decodeWhoAnswer, isDurable, refusalOf, type Commands,
} from "../src/protocol";
import { frames, joinedAnswer } from "./fakes";

interface EventFrame { name: string; arguments: [string, Record<string, unknown>[]] }
interface AnswerFrame { name: string; type: string; result: unknown }
interface CommandFrame { name: string; target: keyof Commands; arguments: [Record<string, unknown>] }

for (const frame of frames<EventFrame>("events")) {
  test(`events: ${frame.name} is decoded as it stands`, () => {
    assert.deepEqual(decodeEvents(...frame.arguments), { room: frame.arguments[0], events: frame.arguments[1] });
  });

  test(`events: ${frame.name} without one of its required fields is malformed`, () => {
    const optional = new Set([
      "type", "reply_to", "asks", "attachments", "error", "progress", "message", "model", "pinned", "policy", "continues",
    ]);
    if (frame.arguments[1][0]?.["type"] === "reply_closed") optional.add("name");
    if (frame.arguments[1][0]?.["type"] === "delta") optional.add("text");
    const [room, [event]] = frame.arguments;
    const fields = Object.keys(event ?? {}).filter((field) => !optional.has(field));
    assert.ok(fields.length > 0);
    for (const field of fields) {
      const { [field]: _, ...broken } = event ?? {};
      assert.throws(() => decodeEvents(room, [broken]), Malformed, field);
    }
  });
}

const decoders: Record<string, (value: unknown) => unknown> = {
  Joined: decodeJoined, PostAnswer: decodePostAnswer, CancelAnswer: decodeCancelAnswer, HistoryAnswer: decodeHistoryAnswer,
  ChangeAnswer: decodeChangeAnswer, TurnAnswer: decodeTurnAnswer, Explanation: decodeExplanation,
  SearchAnswer: decodeSearchAnswer,
  UploadAnswer: decodeUploadAnswer,
  DownloadAnswer: decodeDownloadAnswer, RoomsAnswer: decodeRoomsAnswer,
  PolicyAnswer: decodePolicyAnswer, WhoAnswer: decodeWhoAnswer,
};

for (const frame of frames<AnswerFrame>("answers")) {
  test(`answers: ${frame.name} is decoded as it stands`, () => {
    assert.deepEqual(decoders[frame.type]?.(frame.result), frame.result);
  });

  test(`answers: an empty object is no answer to ${frame.name}`, () => {
    assert.throws(() => decoders[frame.type]?.({}), Malformed);
  });
}

test("commands: each of the golden frames can be written with the types of this side", () => {
  // Typed: a field that is added or renamed on one side only fails to compile or to compare.
  const written: { [M in keyof Commands]: Commands[M][] } = {
    join: [
      { room: "lobby", wire: WIRE },
      { room: "lobby", wire: WIRE, resume: { epoch: "e1", seq: 4, eid: "d" }, have: { d: 17 } },
    ],
    upload: [{ room: "lobby", id: "u1", name: "notes.txt", mime: "text/plain", size: 5, at: 0, data: "aGVsbG8=" }],
    download: [{ room: "lobby", id: "0a".repeat(32), at: 32768 }],
    post: [
      { room: "lobby", cid: "c1", text: "Hello, @llama\n\nhow are you?" },
      { room: "lobby", cid: "c5", text: "", attachments: ["u1"] },
      { room: "lobby", cid: "c2", text: "naïve 🦙", reply_to: "a" },
      { room: "lobby", cid: "c3", text: "cafe\u0301\r\nau lait" },
      { room: "lobby", cid: "c4", text: "\u202eevil\u202c and \u001b[31mred 👩\u200d🔬" },
    ],
    cancel: [{ room: "lobby", id: "d" }],
    edit: [{ room: "lobby", cid: "c2", id: "a", text: "Hello" }],
    redact: [{ room: "lobby", id: "a" }],
    pin: [{ room: "lobby", id: "a", on: true }],
    react: [
      { room: "lobby", id: "a", emoji: "👍", on: true },
      { room: "lobby", id: "a", emoji: " \u2764 ", on: false },
    ],
    regenerate: [{ room: "lobby", id: "c", cid: "c5" }],
    resume_reply: [{ room: "lobby", id: "c", cid: "c6" }],
    explain: [{ room: "lobby", id: "c" }],
    typing: [{ room: "lobby", on: true }],
    history: [{ room: "lobby", before: 101, limit: 50 }],
    search: [{ room: "lobby", text: "demo friday" }, { room: "lobby", text: "demo", limit: 5, before: 9 }],
    set_policy: [
      { room: "lobby", cid: "c5" },
      {
        room: "lobby", cid: "c6", agent: "hint", prompt: "Give no code.\r\n", slow_seconds: 30,
        hours: ["mon 09:00-10:30", "sun 00:00-24:00"], zone: "Europe/Berlin", locked: false,
      },
    ],
    who: [{ room: "lobby", id: "m1" }],
    rooms: [{ room: "lobby" }],
    leave: [{ room: "lobby" }],
  };
  for (const [method, commands] of Object.entries(written)) {
    const golden = frames<CommandFrame>("commands").filter(({ target }) => target === method);
    assert.deepEqual(golden.map((frame) => frame.arguments[0]), commands, method);
  }
});

test("an ephemeral event of an unknown type is left out", () => {
  assert.deepEqual(decodeEvents("lobby", [{ type: "weather", waiting: 3 }, { type: "live", seq: 5 }]).events, [
    { type: "live", seq: 5 },
  ]);
});

test("a durable event of an unknown type keeps its place in the log", () => {
  const [event] = decodeEvents("lobby", [{ type: "painted", seq: 7, eid: "x", ts: 1, by: "m1", with: "+" }]).events;
  assert.equal(event?.type, "unknown");
  assert.ok(event !== undefined && isDurable(event) && event.seq === 7);
});

test("an event named like something every object has is unknown", () => {
  assert.deepEqual(decodeEvents("lobby", [{ type: "constructor" }, { type: "__proto__" }]).events, []);
});

test("a server that pins nothing yet has no pinned messages", () => {
  const { pinned: _, ...older } = joinedAnswer();
  assert.deepEqual(decodeJoined(older).pinned, []);
});

test("what is no list of events is malformed", () => {
  for (const [room, list] of [[1, []], ["lobby", {}], ["lobby", [1]], ["lobby", [{}]], ["lobby", [null]]]) {
    assert.throws(() => decodeEvents(room, list), Malformed);
  }
});

test("a number beyond 2^53 is malformed", () => {
  assert.throws(() => decodeEvents("lobby", [{ type: "live", seq: 2 ** 53 }]), Malformed);
});

test("a refusal is told from an answer", () => {
  const refusal = { code: "too_many", message: "Too many.", retry_ms: 500 };
  assert.deepEqual(refusalOf({ error: refusal }), refusal);
  assert.deepEqual(refusalOf({ error: { code: "version", message: "Reload." } })?.retry_ms, null);
  assert.equal(refusalOf({ id: "a", seq: 1, duplicate: false }), null);
  assert.equal(refusalOf(null), null);
});
