/**
 * Every sentence that the panel says, in one place: here in English, in `german` in German, in the browser's language where
 * that is one of them. What the server says (refusals, how the model is) comes in English and is shown as it is.
 */

import { german } from "./german";
import { language, locale } from "./language";
import type { Problem } from "./snapshot";
import type { AgentMode, Allowed, Explanation, Kind, WhoAnswer } from "./protocol";
import type { MessageStatus } from "./room";

type Tokens = Pick<Explanation, "prompt" | "evaluated" | "cached" | "written">;

interface Notice {
  readonly title: string;
  readonly text: string;
  readonly action: "reload" | "retry" | null;
}

const rules = new Intl.PluralRules("en");
const number = (count: number): string => count.toLocaleString(locale);
const plural = (count: number, one: string, other = `${one}s`): string =>
  `${number(count)} ${rules.select(count) === "one" ? one : other}`;

/** Names in a row: the first ones, and how many there are besides. */
function some(names: readonly string[]): string {
  const shown = names.length > 9 ? [...names.slice(0, 8), `${names.length - 8} others`] : names;
  return shown.length < 2 ? shown.join() : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

const undone = {
  edit: "Not changed", redact: "Not removed", pin: "Not pinned", react: "No reaction", regenerate: "Not asked",
  resume_reply: "Not asked",
};

const english = {
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
  waiting: (count: number) => `${plural(count, "message")} waiting`,

  emptyTitle: (room: string) => `Nobody has said anything in ${room} yet`,
  emptyText: (mention: string) => `Say hello, or ask with ${mention}: everybody here sees the question and the answer.`,
  emptyAlone:
    "Say hello: everybody here sees it. No model is a member of this room; whoever runs the server adds one with the " +
    "setting NbGroupChat.engine.",
  emptyExample: (mention: string) => `${mention} what can you do?`,
  arriving: "Fetching the conversation…",

  today: "Today",
  yesterday: "Yesterday",
  earlier: "Earlier messages",
  fetching: "Fetching…",
  newer: (count: number) => (count === 0 ? "Newest messages" : plural(count, "new message")),

  reading: "reading…",
  before: (turns: number) => (turns === 0 ? "next to be answered" : `${plural(turns, "turn")} before this`),
  stop: "Stop",
  withdrawLabel: (name: string) => `Stop the question of ${name}, which waits`,
  stopLabel: (name: string) => `Stop the answer of ${name}`,
  answerTo: "in answer to",
  answerNothing: "Do not answer this message",
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
  tool: {
    reply: "Answer", again: "Answer again", go_on: "Go on", edit: "Edit", remove: "Remove", react: "React", pin: "Pin",
    unpin: "Unpin", link: "Copy link", who: "Who is this?",
  },
  linkTo: (when: string) => `Link to this message, ${when}`,
  linkCopied: "The link to the message is copied.",
  linkNotCopied: "The browser does not let this page copy. Copy the address of the message's time instead.",
  notThere: "The message that the link leads to is not in this room, or too far back to be fetched.",
  saw: (name: string) => `What ${name} saw`,
  editedMark: "edited",
  /** By whom is not said: an instructor may remove what others wrote. */
  removed: (_kind: Kind): string => "Removed",
  editLabel: "The message's new text",
  editKeys: "Enter saves, Escape gives up.",
  editEmpty: "A message needs a text; it can be removed instead.",
  removeAsk: "Remove it for everybody, for good?",
  keep: "Keep",
  notDone: (what: "edit" | "redact" | "pin" | "react" | "regenerate" | "resume_reply", reason: string | null) =>
    `${undone[what]}: ${reason ?? "the server failed to do it."}`,

  reactions: (name: string) => `Reactions to the message of ${name}`,
  reactionOf: (emoji: string, names: readonly string[]) => `${emoji} from ${some(names)}`,
  choose: (name: string) => `React to the message of ${name}`,
  other: "Another emoji",
  noEmoji: "Type one emoji.",

  search: "Search this room",
  searchKeys: "Search this room (/)",
  searchWords: "Words to search for",
  searching: "Searching…",
  searchOlder: "Search older messages",
  found: (count: number, more: boolean): string =>
    count === 0
      ? more ? "Nothing found in the newer messages." : "Nothing found."
      : `${plural(count, "message")}${more ? ", and older ones" : ""}`,

  attempts: "Answers to the same question",
  attempt: (number: number, count: number) => `Answer ${number} of ${count}`,
  toAttempt: { earlier: "Earlier answer", later: "Later answer" },
  stoppedBy: (name: string) => `Stopped by ${name}.`,
  unheard: (agent: string) => `not yet read by ${agent}`,

  pinned: "Pinned",
  pins: "Pinned messages",
  allPins: (count: number) => `Show all ${count} pinned messages`,
  fewerPins: (count: number) => `Show one of ${count} pinned messages`,
  unpinLabel: (name: string | null) => (name === null ? "Unpin this message" : `Unpin the message of ${name}`),
  notFetched: "an earlier message",

  thinking: "Thinking…",
  thought: "What it thought first",
  code: { copy: "Copy the code", insert: "Insert below" },
  copied: "Copied",
  inserted: "Inserted below",
  copiedInstead: "Copied: this notebook takes no cell from here",
  notCopied: "Not copied: this browser did not allow it",
  table: "Table",
  taskDone: "done:",
  taskOpen: "to do:",
  picture: (name: string) => (name.trim() === "" ? "Picture" : `Picture: ${name}`),

  model: "the model",
  close: "Close",
  notExplained: "The server gave no answer. Close this and try again.",
  tokens: ({ prompt, evaluated, cached, written }: Tokens) =>
    cached === 0
      ? `It read ${plural(prompt, "token")} for this reply and wrote ${written.toLocaleString(locale)}.`
      : `It read ${plural(prompt, "token")}, ${cached.toLocaleString(locale)} of them before and ${evaluated.toLocaleString(locale)} for this ` +
        `reply, and wrote ${written.toLocaleString(locale)}.`,
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

  attachments: "Attachments",
  fileSize: (bytes: number) => (bytes < 1024 ? plural(bytes, "byte") : `${Math.ceil(bytes / 1024).toLocaleString(locale)} KiB`),
  fileGoesOn: "Only the beginning is shown, and read by the model.",
  saveFile: "Save",
  saveFileLabel: (name: string) => `Save ${name}`,
  attach: "Attach a picture or a file of text",
  attachCell: "Attach a cell of this notebook, with its output",
  cell: (number: number | null) => (number === null ? "not run" : `In [${number}]`),
  noCells: "There is no code in this notebook yet.",
  chosen: "What will be attached",
  unattach: (name: string) => `Do not attach ${name}`,
  fileTooLarge: (name: string, limit: number) => `${name} is too large: a file may have ${Math.floor(limit / 1024 / 1024)} MiB.`,
  fileEmpty: (name: string) => `${name} is empty.`,
  fileNoText: (name: string) => `${name} is neither a picture (PNG, JPEG, GIF, WebP) nor text in UTF-8.`,
  tooManyFiles: (most: number) => `A message takes ${most} attachments. Send the rest with another one.`,

  rules: "What this room allows",
  setRules: "Set what this room allows",
  notAnswered: "The server gave no answer. Try again.",
  readOnly: "This room can only be read",
  rule: {
    observer: "You read along",
    locked: "Exam: read only",
    lockedForMembers: "Exam: read only for members",
    hours: (hours: readonly string[], zone: string) => `Open ${hours.join(", ")} (${zone})`,
    slow: (seconds: number) => `Slow mode: ${seconds.toLocaleString(locale)} s between posts`,
    anonymous: "Anonymous to each other; instructors can see who wrote what",
    anonymousForMembers: "Members are anonymous to each other",
    turns: (count: number) => `${plural(count, "question")} an hour`,
    agent: {
      off: (agent: string) => `${agent} is turned off`,
      on: (agent: string) => `${agent} answers everything`,
      mention: (_agent: string) => "",
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
  size: (bytes: number, limit: number) => `${bytes.toLocaleString(locale)} of ${limit.toLocaleString(locale)} bytes`,
  tooLong: (bytes: number, limit: number) => `Too long: ${bytes.toLocaleString(locale)} of ${limit.toLocaleString(locale)} bytes. Send it in parts.`,

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
  modelOff: (agent: string) =>
    `${agent} has no model here and will not answer. Whoever runs the server gives it one with the setting NbGroupChat.engine.`,

  again: (reason: string, when: string) => `${reason} The panel goes on by itself at ${when}.`,
  waitsUntil: (reason: string, when: string) => `${reason} It is sent again at ${when}.`,
  goneTitle: "The server does not answer.",
  goneText: "It may have been stopped, or be starting again. What you write is kept in this tab and sent when it is back.",
  tryNow: "Try now",

  unread: "New",
  mentionable: "Whom to mention",
  mentionKeys: (count: number) => `${plural(count, "name")}. Up and Down choose, Enter takes, Escape closes.`,

  rooms: "Rooms",
  switchRoom: (room: string) => `Room ${room}. Go to another room`,
  roomName: "Name of a room",
  roomHint: "A name that no room has yet begins a new room.",
  roomRule: "A room's name has 1 to 64 letters from a to z, digits, '.', '_' and '-', and begins with a letter or a digit.",
  go: "Go",
  noRooms: "Nobody has said anything in a room yet.",
  roomsUnknown: "The server did not say which rooms there are. A name still leads to a room.",
  moreRooms: "There are more rooms; their names lead there.",
  present: (count: number) => (count === 0 ? "nobody there now" : `${plural(count, "member")} there now`),
  somethingNew: "something new",

  announcePost: (name: string, text: string) => `${name} says: ${text}`,
  announceReply: (name: string, text: string) => `${name} answered: ${text}`,
  announceEdit: (name: string, text: string) => `${name} changed a message: ${text}`,
  announceRemoved: (name: string, kind: Kind) =>
    kind === "agent" ? `An answer of ${name} was removed.` : `A message of ${name} was removed.`,
  announceEnd: (name: string, end: string) => `The answer of ${name} ended. ${end}`,
  announceLost: "The connection was lost. Reconnecting.",
  announceBack: "Connected again.",

  problems: {
    no_server: {
      title: "No Jupyter server to talk to",
      text:
        "This page did not come from a Jupyter server and has no kernel, so the chat cannot be reached from here. Open " +
        "the notebook in JupyterLab or Jupyter Notebook in a browser.",
    },
    no_hub: { title: "The chat cannot be reached, not by the kernel either", text: "The kernel gave no reason." },
    not_installed: {
      title: "This server does not run nbgroupchat",
      text:
        "Install nbgroupchat into the environment that Jupyter itself runs in (a kernel's own environment is not enough), " +
        "then restart the server.",
    },
    signed_out: {
      title: "You are signed out",
      text: "The server no longer knows who you are. Reload this page and sign in again.",
    },
    version: {
      title: "This panel is of another version than the server",
      text: "Reload this page to get the panel that fits. In a notebook, run the cell again too.",
    },
    no_room: { title: "There is no such room", text: "Ask for a room by another name." },
    refused: { title: "The server does not let you into this room", text: "It gave no reason." },
  } satisfies Record<Problem["kind"], { readonly title: string; readonly text: string }>,
};

/** What every language has. */
export type Strings = typeof english;

export const strings: Strings = { en: english, de: german }[language];

const ACTIONS: Readonly<Record<Problem["kind"], Notice["action"]>> = {
  no_server: null, no_hub: "retry", not_installed: "retry", signed_out: "reload", version: "reload", no_room: null,
  refused: "retry",
};

/** Say what keeps the panel from the room, in the server's own words where it has some. */
export function notice({ kind, message }: Problem): Notice {
  const { title, text } = strings.problems[kind];
  return { title, text: message ?? text, action: ACTIONS[kind] };
}
