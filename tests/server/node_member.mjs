// Takes part in a room with the real `@microsoft/signalr`; argv: address, package's path, transport (0: any), token, room.
// Prints what it was answered and what it heard up to the end of the agent's reply.
import { createRequire } from "node:module";

const [url, packagePath, transport, token, room] = process.argv.slice(2);
const signalR = createRequire(import.meta.url)(packagePath);
const connection = new signalR.HubConnectionBuilder()
  .withUrl(url, {
    headers: { Authorization: `token ${token}` }, ...(transport === "0" ? {} : { transport: Number(transport) }),
  })
  .configureLogging(signalR.LogLevel.None)
  .build();

const heard = [];
const closed = new Promise((resolve) => {
  connection.on("event", (name, events) => {
    heard.push(...events.filter(({ seq, type }) => seq !== undefined && type !== "live"));
    if (name === room && events.some(({ type }) => type === "reply_closed")) resolve();
  });
});
await connection.start();
const joined = await connection.invoke("join", { room, wire: 1 });
const forged = await connection.invoke("post", { room, cid: "0", text: "I am Ben", by: "ben", name: "Ben" });
const posted = await connection.invoke("post", { room, cid: "1", text: "@llama é😀" });
await closed;
await connection.stop();
console.log(JSON.stringify({ you: joined.you, forged, posted, heard }));
