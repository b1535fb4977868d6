// Dials as the panel does, until it is connected; argv: address, the folder js/, how many times faster its patience runs.
// Prints how often it tried, how it spoke, and what it heard.
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** As in a browser: `ws` alone lets a handler such as `onopen` push listeners out, and Node's own tells of no failure. */
function pageSocket(Socket) {
  return class extends EventTarget {
    static OPEN = 1;
    #socket;

    constructor(...args) {
      super();
      this.#socket = new Socket(...args);
      this.#socket.on("open", () => this.#tell("open", {}));
      this.#socket.on("message", (data) => this.#tell("message", { data }));
      this.#socket.on("error", (error) => this.#tell("error", { error }));
      this.#socket.on("close", (code, reason) => this.#tell("close", { code, reason, wasClean: code === 1000 }));
    }

    get readyState() {
      return this.#socket.readyState;
    }

    send(data) {
      this.#socket.send(data);
    }

    close() {
      this.#socket.close();
    }

    #tell(name, detail) {
      const event = Object.assign(new Event(name), detail);
      this.dispatchEvent(event);
      this[`on${name}`]?.(event);
    }
  };
}

const [url, folder, hurry] = process.argv.slice(2);
const require = createRequire(join(folder, "package.json"));
const place = mkdtempSync(join(tmpdir(), "dial-"));
try {
  const { outputFiles } = await require("esbuild").build({
    stdin: { contents: 'export * from "./dial"; export * from "./ways";', resolveDir: join(folder, "src"), loader: "ts" },
    bundle: true, format: "cjs", platform: "node", external: ["@microsoft/signalr"], write: false,
  });
  const bundle = { exports: {} };
  new Function("module", "exports", "require", outputFiles[0].text)(bundle, bundle.exports, require);
  const { dial, Ways } = bundle.exports;
  globalThis.WebSocket = pageSocket(require("ws"));

  const ways = new Ways();
  const clock = { now: Date.now, after: (ms, run) => {
    const timer = setTimeout(run, ms / Number(hurry));
    return () => clearTimeout(timer);
  } };
  const server = { url: () => url, headers: () => ({ "X-User": "ana" }) };
  const seen = { failures: 0, open: [] };
  let hub;
  for (;;) {
    hub = dial(server, ways, clock);
    seen.open.push(ways.open);
    try {
      await hub.start();
      break;
    } catch (error) {
      seen.failures += 1;
      if (seen.failures > 5) throw error;
    }
  }
  const heard = new Promise((resolve) => hub.on("echoed", (...values) => void resolve(values)));
  seen.result = await hub.invoke("echo", "é😀", { a: [1] });
  seen.heard = await heard;
  const closed = new Promise((resolve) => hub.onclose(() => resolve()));
  await hub.stop();
  await closed;
  console.log(JSON.stringify(seen));
} finally {
  rmSync(place, { recursive: true });
}
