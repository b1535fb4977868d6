// Drives the real `@microsoft/signalr` against the hub in `fakes.py`; argv: address, package's path, transport (0: any).
// Prints what it saw.
import { createRequire } from "node:module";

const [url, packagePath, transport] = process.argv.slice(2);
const signalR = createRequire(import.meta.url)(packagePath);
const seen = { events: [] };

const connection = new signalR.HubConnectionBuilder()
  .withUrl(url, { headers: { "X-User": "ana" }, ...(transport === "0" ? {} : { transport: Number(transport) }) })
  .withAutomaticReconnect([0, 0, 0])
  .configureLogging(signalR.LogLevel.None)
  .build();

const nextEvent = () => new Promise((resolve) => (connection.resolveEvent = resolve));
connection.on("echoed", (...values) => {
  seen.events.push(values);
  connection.resolveEvent?.();
});

await connection.start();
seen.id = connection.connectionId;
let event = nextEvent();
seen.result = await connection.invoke("echo", "é😀", { a: [1] });
await event;
event = nextEvent();
await connection.send("echo", 2);
await event;
seen.nothing = (await connection.invoke("nothing")) ?? null;
seen.failure = await connection.invoke("fail").catch((error) => error.message);
seen.refusal = await connection.invoke("refuse").catch((error) => error.message);
seen.stream = await new Promise((resolve) => {
  connection.stream("numbers").subscribe({ next() {}, complete: () => resolve("complete"), error: (e) => resolve(e.message) });
});

// The server closes with allowReconnect when it is asked to stop: the client must come back by itself.
const back = new Promise((resolve) => connection.onreconnected(resolve));
await connection.send("goodbye");
seen.secondId = await back;
seen.again = await connection.invoke("echo", 3);

// Without allowReconnect it must stay away, and know why.
const closed = new Promise((resolve) => connection.onclose((error) => resolve(error?.message ?? null)));
await connection.send("farewell");
seen.closed = await closed;
console.log(JSON.stringify(seen));
