/** Every sentence that the panel says, in German. The type holds it to the same sentences as the English table. */

import { locale } from "./language";
import type { Strings } from "./strings";

const rules = new Intl.PluralRules("de");
const zahl = (count: number): string => count.toLocaleString(locale);
const plural = (count: number, one: string, other: string): string =>
  `${zahl(count)} ${rules.select(count) === "one" ? one : other}`;

const undone = {
  edit: "Nicht geändert", redact: "Nicht entfernt", pin: "Nicht angeheftet", react: "Keine Reaktion",
  regenerate: "Nicht gefragt", resume_reply: "Nicht gefragt",
};

/** Names in a row: the first ones, and how many there are besides. */
function some(names: readonly string[]): string {
  const shown = names.length > 9 ? [...names.slice(0, 8), `${zahl(names.length - 8)} weiteren`] : names;
  return shown.length < 2 ? shown.join() : `${shown.slice(0, -1).join(", ")} und ${shown.at(-1)}`;
}

export const german: Strings = {
  transcript: (room) => `Nachrichten in ${room}`,
  members: "Wer hier ist",
  more: (count) => `+${count}`,
  you: "du",
  nameless: "Du",
  badge: { human: "", agent: "Agent", kernel: "Kernel", system: "System" },

  link: {
    connecting: "Verbinde…",
    live: "Verbunden",
    reconnecting: "Verbinde neu…",
    unreachable: "Nicht verbunden",
    refused: "Nicht verbunden",
  },
  linkThrough: "Über den Kernel verbunden",
  kernelWaits: "Der Kernel ist beschäftigt.",
  kernelWaitsText:
    "Was du sendest, wartet, bis seine laufende Zelle endet. Wurde der Kernel neu gestartet oder ist er weg, führe die Zelle " +
    "dieses Panels noch einmal aus.",
  throughKernel: "Dieses Panel spricht durch den Kernel: Was es sendet, ist als Nachricht des Kernels gekennzeichnet.",
  waiting: (count) => `${plural(count, "Nachricht wartet", "Nachrichten warten")}`,

  emptyTitle: (room) => `In ${room} hat noch niemand etwas gesagt`,
  emptyText: (mention) => `Sag hallo oder frage mit ${mention}: Alle hier sehen die Frage und die Antwort.`,
  emptyAlone:
    "Sag hallo: Alle hier sehen es. In diesem Raum ist kein Modell; wer den Server betreibt, gibt ihm eines mit der " +
    "Einstellung NbGroupChat.engine.",
  emptyExample: (mention) => `${mention} was kannst du?`,
  arriving: "Hole das Gespräch…",

  today: "Heute",
  yesterday: "Gestern",
  earlier: "Frühere Nachrichten",
  fetching: "Wird geholt…",
  newer: (count) => (count === 0 ? "Zu den neuesten Nachrichten" : plural(count, "neue Nachricht", "neue Nachrichten")),

  reading: "liest…",
  before: (turns) => (turns === 0 ? "kommt als Nächstes dran" : `${plural(turns, "Frage", "Fragen")} davor`),
  stop: "Stopp",
  withdrawLabel: (name) => `Die wartende Frage von ${name} zurückziehen`,
  stopLabel: (name) => `Die Antwort von ${name} stoppen`,
  answerTo: "als Antwort an",
  answerNothing: "Nicht auf diese Nachricht antworten",
  ended: {
    posted: "",
    open: "",
    complete: "",
    stopped: "Gestoppt.",
    interrupted: "Abgebrochen: Das Modell endete vor der Antwort. Frage noch einmal.",
    failed: "Die Antwort ist gescheitert. Frage noch einmal.",
    length: "Abgeschnitten: Die Antwort hat ihre größte Länge erreicht.",
  },

  tools: (name) => `Was man mit der Nachricht von ${name} tun kann`,
  tool: {
    reply: "Antworten", again: "Noch einmal antworten", go_on: "Weiter", edit: "Bearbeiten", remove: "Entfernen",
    react: "Reagieren", pin: "Anheften", unpin: "Lösen", link: "Link kopieren", who: "Wer ist das?",
  },
  linkTo: (when) => `Link zu dieser Nachricht, ${when}`,
  linkCopied: "Der Link zur Nachricht ist kopiert.",
  linkNotCopied: "Der Browser lässt diese Seite nicht kopieren. Kopiere stattdessen die Adresse an der Uhrzeit der Nachricht.",
  notThere: "Die verlinkte Nachricht ist nicht in diesem Raum oder liegt zu weit zurück.",
  saw: (name) => `Was ${name} sah`,
  editedMark: "bearbeitet",
  removed: () => "Entfernt",
  editLabel: "Der neue Text der Nachricht",
  editKeys: "Enter speichert, Escape gibt auf.",
  editEmpty: "Eine Nachricht braucht einen Text; sie kann stattdessen entfernt werden.",
  removeAsk: "Für alle und endgültig entfernen?",
  keep: "Behalten",
  notDone: (what, reason) =>
    `${undone[what]}: ` +
    `${reason ?? "Der Server konnte es nicht."}`,

  reactions: (name) => `Reaktionen auf die Nachricht von ${name}`,
  reactionOf: (emoji, names) => `${emoji} von ${some(names)}`,
  choose: (name) => `Auf die Nachricht von ${name} reagieren`,
  other: "Anderes Emoji",
  noEmoji: "Ein einzelnes Emoji, bitte.",

  search: "Diesen Raum durchsuchen",
  searchKeys: "Diesen Raum durchsuchen (/)",
  searchWords: "Gesuchte Wörter",
  searching: "Suche…",
  searchOlder: "Ältere Nachrichten durchsuchen",
  found: (count, more) =>
    count === 0
      ? more ? "In den neueren Nachrichten nichts gefunden." : "Nichts gefunden."
      : `${plural(count, "Nachricht", "Nachrichten")}${more ? ", und ältere" : ""}`,

  attempts: "Antworten auf dieselbe Frage",
  attempt: (number, count) => `Antwort ${number} von ${count}`,
  toAttempt: { earlier: "Frühere Antwort", later: "Spätere Antwort" },
  stoppedBy: (name) => `Von ${name} gestoppt.`,
  unheard: (agent) => `von ${agent} noch nicht gelesen`,

  pinned: "Angeheftet",
  pins: "Angeheftete Nachrichten",
  allPins: (count) => `Alle ${zahl(count)} angehefteten Nachrichten zeigen`,
  fewerPins: (count) => `Eine von ${zahl(count)} angehefteten Nachrichten zeigen`,
  unpinLabel: (name) => (name === null ? "Diese Nachricht lösen" : `Die Nachricht von ${name} lösen`),
  notFetched: "eine frühere Nachricht",

  thinking: "Denkt nach…",
  thought: "Was es zuerst dachte",
  code: { copy: "Code kopieren", insert: "Darunter einfügen" },
  copied: "Kopiert",
  inserted: "Darunter eingefügt",
  copiedInstead: "Kopiert: Dieses Notebook nimmt von hier keine Zelle",
  notCopied: "Nicht kopiert: Der Browser hat es nicht erlaubt",
  table: "Tabelle",
  taskDone: "erledigt:",
  taskOpen: "zu tun:",
  picture: (name) => (name.trim() === "" ? "Bild" : `Bild: ${name}`),

  model: "das Modell",
  close: "Schließen",
  notExplained: "Der Server gab keine Antwort. Schließe dies und versuche es noch einmal.",
  tokens: ({ prompt, evaluated, cached, written }) =>
    cached === 0
      ? `Es las für diese Antwort ${plural(prompt, "Token", "Tokens")} und schrieb ${zahl(written)}.`
      : `Es las ${plural(prompt, "Token", "Tokens")}, ${zahl(cached)} davon schon vorher und ${zahl(evaluated)} für diese ` +
        `Antwort, und schrieb ${zahl(written)}.`,
  readInOrder: "Es las, in dieser Reihenfolge",
  leftOut: (count) =>
    `${plural(count, "frühere Nachricht hatte", "frühere Nachrichten hatten")} keinen Platz mehr.`,
  somebody: "Jemand",
  goneSince: "seitdem entfernt",
  server: "Server",
  howRun: "Wie es lief",
  run: { model: "Modell", file: "Datei (SHA-256)", temperature: "Temperatur", seed: "Seed", limit: "Länge" },
  unknown: "nicht bekannt",
  atMost: (tokens) => `höchstens ${plural(tokens, "Token", "Tokens")}`,

  sending: "Wird gesendet…",
  waitsForConnection: "Wartet auf die Verbindung…",
  waitsForKernel: "Wartet auf das Ende der laufenden Zelle…",
  notSent: (reason) => (reason === null ? "Nicht gesendet: Der Server konnte es nicht annehmen." : `Nicht gesendet: ${reason}`),
  retry: "Noch einmal",
  takeBack: "Zurücknehmen",
  leaveIt: "Lassen",
  reload: "Neu laden",

  attachments: "Anhänge",
  fileSize: (bytes) => (bytes < 1024 ? plural(bytes, "Byte", "Bytes") : `${zahl(Math.ceil(bytes / 1024))} KiB`),
  fileGoesOn: "Nur der Anfang wird gezeigt und vom Modell gelesen.",
  saveFile: "Speichern",
  saveFileLabel: (name) => `${name} speichern`,
  attach: "Ein Bild oder eine Textdatei anhängen",
  attachCell: "Eine Zelle dieses Notebooks mit ihrer Ausgabe anhängen",
  cell: (number) => (number === null ? "nicht ausgeführt" : `In [${number}]`),
  noCells: "In diesem Notebook ist noch kein Code.",
  chosen: "Was angehängt wird",
  unattach: (name) => `${name} nicht anhängen`,
  fileTooLarge: (name, limit) => `${name} ist zu groß: Eine Datei darf ${Math.floor(limit / 1024 / 1024)} MiB haben.`,
  fileEmpty: (name) => `${name} ist leer.`,
  fileNoText: (name) => `${name} ist weder ein Bild (PNG, JPEG, GIF, WebP) noch Text in UTF-8.`,
  tooManyFiles: (most) => `Eine Nachricht nimmt ${most} Anhänge. Sende den Rest mit einer weiteren.`,

  rules: "Was dieser Raum erlaubt",
  setRules: "Festlegen, was dieser Raum erlaubt",
  notAnswered: "Der Server hat nicht geantwortet. Versuche es noch einmal.",
  readOnly: "Dieser Raum kann nur gelesen werden",
  rule: {
    observer: "Du liest mit",
    locked: "Prüfung: nur lesen",
    lockedForMembers: "Prüfung: nur lesen für Mitglieder",
    hours: (hours, zone) => `Geöffnet ${hours.join(", ")} (${zone})`,
    slow: (seconds) => `Langsamer Modus: ${zahl(seconds)} s zwischen Nachrichten`,
    anonymous: "Anonym untereinander; Lehrende können sehen, wer was geschrieben hat",
    anonymousForMembers: "Die Mitglieder sind untereinander anonym",
    turns: (count) => `${plural(count, "Frage", "Fragen")} pro Stunde`,
    agent: {
      off: (agent) => `${agent} ist ausgeschaltet`,
      on: (agent) => `${agent} beantwortet alles`,
      mention: () => "",
      hint: (agent) => `${agent} gibt Hinweise`,
    },
  },
  field: {
    locked: "Prüfung: Mitglieder können nur lesen",
    anonymous: "Mitglieder sind untereinander anonym (ihnen wird gesagt, dass du sehen kannst, wer sie sind)",
    agent: "Das Modell beantwortet",
    prompt: "Deine Worte an das Modell für Hinweise, nur Lehrenden gezeigt",
    slow: "Sekunden zwischen den Nachrichten eines Mitglieds (0: ohne Grenze)",
    turns: "Fragen eines Mitglieds in einer Stunde (0: ohne Grenze)",
    tokens: "Länge einer Antwort in Tokens (0: die des Servers)",
    hours: "Öffnungszeiten, eine je Zeile, etwa mon 09:00-10:30 (keine: immer)",
    zone: "Zeitzone der Öffnungszeiten",
    stop: "Wer eine Antwort stoppen darf",
    pin: "Wer eine Nachricht anheften darf",
    redact: "Wer eine Nachricht entfernen darf",
  },
  agentModes: {
    off: "nichts", mention: "was es anspricht", on: "alles, was Menschen sagen", hint: "was es anspricht, mit Hinweisen",
  },
  allowed: {
    anyone: "alle", asker: "wer sie schrieb oder danach fragte, und Lehrende", instructors: "nur Lehrende",
  },
  is: (alias, { user, name }) =>
    `${alias} ist ${name}${name === user ? "" : ` (${user})`}. Dass du gefragt hast, steht im Protokoll des Raums.`,

  composer: (room) => `Nachricht an ${room}`,
  placeholder: "Nachricht schreiben",
  send: "Senden",
  sendLabel: "Nachricht senden",
  toEverybody: "An alle",
  willAnswer: (name) => `${name} wird antworten`,
  willTryAgain: (name) => `${name} wird es noch einmal versuchen`,
  cannotAnswer: (name) => `${name} kann jetzt nicht antworten`,
  ask: (mention) => `${mention} fragen`,
  keys: "Enter sendet, Umschalt+Enter beginnt eine neue Zeile, Pfeil auf bearbeitet deine letzte Nachricht",
  size: (bytes, limit) => `${zahl(bytes)} von ${zahl(limit)} Bytes`,
  tooLong: (bytes, limit) => `Zu lang: ${zahl(bytes)} von ${zahl(limit)} Bytes. Sende es in Teilen.`,

  youAre: "Du bist",
  change: "Namen ändern",
  nameLabel: "Dein Name, wie andere ihn sehen",
  save: "Speichern",
  cancel: "Abbrechen",
  notRenamed: "Der Server hat den Namen nicht angenommen.",

  typing: (names) => {
    if (names.length === 1) return `${names[0]} schreibt`;
    if (names.length === 2) return `${names[0]} und ${names[1]} schreiben`;
    return `${names.length} Leute schreiben`;
  },

  loading: (model) => `${model || "Das Modell"} wird geladen…`,
  modelReady: (model) => model,
  modelFailed: (agent) => `Das Modell von ${agent} ist gescheitert.`,
  modelAsleep: (agent) => `${agent} schläft.`,
  modelOff: (agent) =>
    `${agent} hat hier kein Modell und wird nicht antworten. Wer den Server betreibt, gibt ihm eines mit der Einstellung ` +
    "NbGroupChat.engine.",

  again: (reason, when) => `${reason} Das Panel macht um ${when} von selbst weiter.`,
  waitsUntil: (reason, when) => `${reason} Wird um ${when} noch einmal gesendet.`,
  goneTitle: "Der Server antwortet nicht.",
  goneText:
    "Vielleicht wurde er beendet oder startet gerade. Was du schreibst, bleibt in diesem Tab und wird gesendet, wenn er wieder " +
    "da ist.",
  tryNow: "Jetzt versuchen",

  unread: "Neu",
  mentionable: "Wen erwähnen",
  mentionKeys: (count) => `${plural(count, "Name", "Namen")}. Auf und Ab wählen, Enter übernimmt, Escape schließt.`,

  rooms: "Räume",
  switchRoom: (room) => `Raum ${room}. Zu einem anderen Raum gehen`,
  roomName: "Name eines Raums",
  roomHint: "Ein Name, den noch kein Raum hat, beginnt einen neuen.",
  roomRule:
    "Der Name eines Raums hat 1 bis 64 Buchstaben von a bis z, Ziffern, '.', '_' und '-' und beginnt mit einem Buchstaben oder " +
    "einer Ziffer.",
  go: "Los",
  noRooms: "Noch hat niemand in einem Raum etwas gesagt.",
  roomsUnknown: "Der Server hat nicht gesagt, welche Räume es gibt. Ein Name führt trotzdem in einen Raum.",
  moreRooms: "Es gibt weitere Räume; ihre Namen führen hin.",
  present: (count) => (count === 0 ? "gerade niemand da" : `gerade ${plural(count, "Mitglied", "Mitglieder")} da`),
  somethingNew: "etwas Neues",

  announcePost: (name, text) => `${name} sagt: ${text}`,
  announceReply: (name, text) => `${name} hat geantwortet: ${text}`,
  announceEdit: (name, text) => `${name} hat eine Nachricht geändert: ${text}`,
  announceRemoved: (name, kind) =>
    kind === "agent" ? `Eine Antwort von ${name} wurde entfernt.` : `Eine Nachricht von ${name} wurde entfernt.`,
  announceEnd: (name, end) => `Die Antwort von ${name} ist zu Ende. ${end}`,
  announceLost: "Die Verbindung ist abgebrochen. Sie wird neu aufgebaut.",
  announceBack: "Wieder verbunden.",

  problems: {
    no_server: {
      title: "Kein Jupyter-Server, mit dem man reden könnte",
      text:
        "Diese Seite kam von keinem Jupyter-Server und hat keinen Kernel, also ist der Chat von hier nicht zu erreichen. Öffne " +
        "das Notebook in JupyterLab oder Jupyter Notebook im Browser.",
    },
    no_hub: { title: "Der Chat ist nicht zu erreichen, auch nicht durch den Kernel", text: "Der Kernel nannte keinen Grund." },
    not_installed: {
      title: "Auf diesem Server läuft nbgroupchat nicht",
      text:
        "Installiere nbgroupchat in der Umgebung, in der Jupyter selbst läuft (die eines Kernels genügt nicht), und starte den " +
        "Server neu.",
    },
    signed_out: {
      title: "Du bist abgemeldet",
      text: "Der Server weiß nicht mehr, wer du bist. Lade diese Seite neu und melde dich wieder an.",
    },
    version: {
      title: "Dieses Panel hat eine andere Version als der Server",
      text: "Lade diese Seite neu, um das passende zu bekommen. In einem Notebook führe auch die Zelle noch einmal aus.",
    },
    no_room: { title: "Diesen Raum gibt es nicht", text: "Nimm einen Raum mit anderem Namen." },
    refused: { title: "Der Server lässt dich nicht in diesen Raum", text: "Er nannte keinen Grund." },
  },
};
