/** Every sentence that the panel says, in one place. */

import type { Problem } from "./snapshot";
import type { AgentMode, Allowed, Explanation, Kind, WhoAnswer } from "./protocol";
import type { MessageStatus } from "./room";

type Tokens = Pick<Explanation, "prompt" | "evaluated" | "cached" | "written">;

interface Notice {
  readonly title: string;
  readonly text: string;
  readonly action: "reload" | "retry" | null;
}

const plural = (count: number, noun: string): string => `${count.toLocaleString()} ${noun}${count === 1 ? "" : "s"}`;

export const strings = {
  transcript: (room: string) => `Messages in ${room}`,
  members: "Who is here",
  more: (count: number) => `+${count}`,
  you: "you",
  nameless: "You",
  badge: { human: "", agent: "agent", kernel: "kernel", system: "system" },

  link: {
    connecting: "Connecting…",
    live: "Connected",
    reconnecting: "Reconnecting…",
    unreachable: "Not connected",
    refused: "Not connected",
  },
  linkThrough: "Connected through the kernel",
  kernelWaits: "The kernel is busy.",
  kernelWaitsText:
    "What you send waits until its running cell ends. If the kernel was restarted or is gone, run this panel's cell again.",
  throughKernel: "This panel speaks through the kernel: what it posts is marked as the kernel's.",
  waiting: (count: number) => (count === 1 ? "1 message waiting" : `${count} messages waiting`),

  emptyTitle: (room: string) => `Nobody has said anything in ${room} yet`,
  emptyText: (mention: string) => `Say hello, or ask with ${mention}: everybody here sees the question and the answer.`,
  emptyAlone: "Say hello: everybody here sees it.",
  emptyExample: (mention: string) => `${mention} what can you do?`,
  arriving: "Fetching the conversation…",

  today: "Today",
  yesterday: "Yesterday",
  earlier: "Earlier messages",
  fetching: "Fetching…",
  newer: (count: number) => (count === 0 ? "Newest messages" : count === 1 ? "1 new message" : `${count} new messages`),

  reading: "reading…",
  before: (turns: number) => (turns === 0 ? "next to be answered" : turns === 1 ? "1 turn before this" : `${turns} turns before this`),
  stop: "Stop",
  withdrawLabel: (name: string) => `Stop the question of ${name}, which waits`,
  stopLabel: (name: string) => `Stop the answer of ${name}`,
  answerTo: "in answer to",
  ended: {
    posted: "",
    open: "",
    complete: "",
    stopped: "Stopped.",
    interrupted: "Interrupted: the model ended before the answer did. Ask again.",
    failed: "The answer failed. Ask again.",
    length: "Cut off: the answer reached its greatest length.",
  } satisfies Record<MessageStatus, string>,

  tools: (name: string) => `What to do with the message of ${name}`,
  tool: { edit: "Edit", remove: "Remove", pin: "Pin", unpin: "Unpin", who: "Who is this?" },
  saw: (name: string) => `What ${name} saw`,
  editedMark: "edited",
  /** By whom is not said: an instructor may remove what others wrote. */
  removed: (_kind: Kind) => "Removed",
  editLabel: "The message's new text",
  editKeys: "Enter saves, Escape gives up.",
  editEmpty: "A message needs a text; it can be removed instead.",
  removeAsk: "Remove it for everybody, for good?",
  keep: "Keep",
  notDone: (what: "edit" | "redact" | "pin", reason: string | null) =>
    `${{ edit: "Not changed", redact: "Not removed", pin: "Not pinned" }[what]}: ${reason ?? "the server failed to do it."}`,

  pinned: "Pinned",
  pins: "Pinned messages",
  allPins: (count: number) => `Show all ${count} pinned messages`,
  fewerPins: "Show one pinned message",
  unpinLabel: (name: string | null) => (name === null ? "Unpin this message" : `Unpin the message of ${name}`),
  notFetched: "an earlier message",

  model: "the model",
  close: "Close",
  notExplained: "The server gave no answer. Close this and try again.",
  tokens: ({ prompt, evaluated, cached, written }: Tokens) =>
    cached === 0
      ? `It read ${plural(prompt, "token")} for this reply and wrote ${written.toLocaleString()}.`
      : `It read ${plural(prompt, "token")}, ${cached.toLocaleString()} of them before and ${evaluated.toLocaleString()} for this ` +
        `reply, and wrote ${written.toLocaleString()}.`,
  readInOrder: "It read, in this order",
  leftOut: (count: number) => `${plural(count, "earlier message")} had no room and ${count === 1 ? "was" : "were"} left out.`,
  somebody: "Somebody",
  goneSince: "removed since",
  server: "Server",
  howRun: "How it was run",
  run: { model: "Model", file: "File (SHA-256)", temperature: "Temperature", seed: "Seed", limit: "Length" },
  unknown: "not known",
  atMost: (tokens: number) => `at most ${plural(tokens, "token")}`,

  sending: "Sending…",
  waitsForConnection: "Waiting for the connection…",
  waitsForKernel: "Waits for the running cell to end…",
  notSent: (reason: string | null) => (reason === null ? "Not sent: the server failed to take it." : `Not sent: ${reason}`),
  retry: "Try again",
  takeBack: "Take back",
  leaveIt: "Leave it",
  reload: "Reload",

  rules: "What this room allows",
  setRules: "Set what this room allows",
  notAnswered: "The server gave no answer. Try again.",
  readOnly: "This room can be read only",
  rule: {
    observer: "You read along",
    locked: "Exam: read only",
    lockedForMembers: "Exam: read only for members",
    hours: (hours: readonly string[], zone: string) => `Open ${hours.join(", ")} (${zone})`,
    slow: (seconds: number) => `Slow mode: ${seconds.toLocaleString()} s between posts`,
    anonymous: "Anonymous to each other; instructors can see who wrote what",
    anonymousForMembers: "Members are anonymous to each other",
    turns: (count: number) => `${plural(count, "question")} an hour`,
    agent: {
      off: (agent: string) => `${agent} is turned off`,
      on: (agent: string) => `${agent} answers everything`,
      mention: () => "",
      hint: (agent: string) => `${agent} gives hints`,
    } satisfies Record<AgentMode, (agent: string) => string>,
  },
  field: {
    locked: "Exam: members can only read",
    anonymous: "Members are anonymous to each other (they are told that you can see who they are)",
    agent: "The model answers",
    prompt: "Your words to the model in hint mode, shown to instructors only",
    slow: "Seconds between a member's posts (0: no slow mode)",
    turns: "Questions of a member within an hour (0: no limit)",
    tokens: "Length of an answer in tokens (0: the server's)",
    hours: "Opening times, one a line, such as mon 09:00-10:30 (none: always)",
    zone: "Time zone of the opening times",
    stop: "Who may stop an answer",
    pin: "Who may pin a message",
    redact: "Who may remove a message",
  },
  agentModes: {
    off: "nothing", mention: "what addresses it", on: "everything that people say", hint: "what addresses it, with hints",
  } satisfies Record<AgentMode, string>,
  allowed: {
    anyone: "anyone", asker: "its author, who asked for it, and instructors", instructors: "instructors only",
  } satisfies Record<Allowed, string>,
  is: (alias: string, { user, name }: WhoAnswer) =>
    `${alias} is ${name}${name === user ? "" : ` (${user})`}. That you asked is in the room's audit trail.`,

  composer: (room: string) => `Message to ${room}`,
  placeholder: "Write a message",
  send: "Send",
  sendLabel: "Send message",
  toEverybody: "To everybody",
  willAnswer: (name: string) => `${name} will answer`,
  willTryAgain: (name: string) => `${name} will try again`,
  cannotAnswer: (name: string) => `${name} cannot answer now`,
  ask: (mention: string) => `Ask ${mention}`,
  keys: "Enter sends, Shift+Enter starts a new line, Up edits your last message",
  size: (bytes: number, limit: number) => `${bytes.toLocaleString()} of ${limit.toLocaleString()} bytes`,
  tooLong: (bytes: number, limit: number) => `Too long: ${bytes.toLocaleString()} of ${limit.toLocaleString()} bytes. Send it in parts.`,

  youAre: "You are",
  change: "Change name",
  nameLabel: "Your name, as others see it",
  save: "Save",
  cancel: "Cancel",
  notRenamed: "The server did not take that name.",

  typing: (names: readonly string[]) => {
    if (names.length === 1) return `${names[0]} is writing`;
    if (names.length === 2) return `${names[0]} and ${names[1]} are writing`;
    return `${names.length} people are writing`;
  },

  loading: (model: string) => `Loading ${model || "the model"}…`,
  modelReady: (model: string) => model,
  modelFailed: (agent: string) => `The model of ${agent} failed.`,
  modelAsleep: (agent: string) => `${agent} is asleep.`,
  modelOff: (agent: string) => `${agent} has no model here and will not answer.`,

  announcePost: (name: string, text: string) => `${name} says: ${text}`,
  announceReply: (name: string, text: string) => `${name} answered: ${text}`,
  announceEdit: (name: string, text: string) => `${name} changed a message: ${text}`,
  announceRemoved: (name: string, kind: Kind) =>
    kind === "agent" ? `An answer of ${name} was removed.` : `A message of ${name} was removed.`,
  announceEnd: (name: string, end: string) => `The answer of ${name} ended. ${end}`,
  announceLost: "The connection was lost. Reconnecting.",
  announceBack: "Connected again.",
};

export function notice(problem: Problem): Notice {
  switch (problem.kind) {
    case "no_server":
      return {
        title: "No Jupyter server to talk to",
        text:
          "This page did not come from a Jupyter server and has no kernel, so the chat cannot be reached from here. Open " +
          "the notebook in JupyterLab or Jupyter Notebook in a browser.",
        action: null,
      };
    case "no_hub":
      return {
        title: "The chat cannot be reached, not by the kernel either",
        text: problem.message ?? "The kernel gave no reason.",
        action: "retry",
      };
    case "not_installed":
      return {
        title: "This server does not run nbgroupchat",
        text:
          "Install nbgroupchat into the environment that Jupyter itself runs in (a kernel's own environment is not enough), " +
          "then restart the server.",
        action: "retry",
      };
    case "signed_out":
      return {
        title: "You are signed out",
        text: "The server no longer knows who you are. Reload this page and sign in again.",
        action: "reload",
      };
    case "version":
      return {
        title: "This panel is of another version than the server",
        text: problem.message ?? "Reload this page to get the panel that fits. In a notebook, run the cell again too.",
        action: "reload",
      };
    case "no_room":
      return {
        title: "There is no such room",
        text: problem.message ?? "Ask for a room by another name.",
        action: null,
      };
    case "refused":
      return {
        title: "The server does not let you into this room",
        text: problem.message ?? "It gave no reason.",
        action: "retry",
      };
  }
}
