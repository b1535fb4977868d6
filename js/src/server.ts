/**
 * The Jupyter server behind this page: its address, what a request to it needs, and who one is there.
 *
 * It knows nothing of rooms. Jupyter's `GET` and `PATCH /api/me` are as in jupyter_server 2.21 (`services/api/handlers.py`).
 */

export interface Server {
  /** Give the address of something below the server's base, as the page reaches it. */
  url(path: string): string;
  headers(): Record<string, string>;
}

/** Who one is on the server; `updatable` are the fields one may change. */
export interface Identity {
  readonly displayName: string;
  readonly updatable: readonly string[];
}

/** Find the server that this page came from, or null where the page came from none (VS Code, Colab, exported HTML). */
export function serverOf(page: Document): Server | null {
  const base = baseUrl(page);
  if (base === null) return null;
  return {
    url: (path) => new URL(base + path, page.location.href).href,
    headers: () => {
      const token = xsrfToken(page.cookie);
      return token === null ? {} : { "X-XSRFToken": token };
    },
  };
}

export async function identity(server: Server, request: typeof fetch = fetch): Promise<Identity | null> {
  const response = await request(server.url("api/me"), { headers: server.headers(), credentials: "same-origin" });
  if (!response.ok) return null;
  const model = (await response.json()) as {
    identity?: { display_name?: unknown; name?: unknown };
    permissions?: { updatable_fields?: unknown };
  };
  const fields = model.permissions?.updatable_fields;
  return {
    displayName: String(model.identity?.display_name ?? model.identity?.name ?? ""),
    updatable: Array.isArray(fields) ? fields.map(String) : [],
  };
}

export function mayRename(identity: Identity | null): boolean {
  return identity?.updatable.includes("display_name") ?? false;
}

/** Change one's own name. Says whether the server did. */
export async function rename(
  server: Server, who: Identity, name: string, request: typeof fetch = fetch,
): Promise<boolean> {
  const wanted: Record<string, string> = { display_name: name, name, initials: initials(name) };
  const allowed = Object.fromEntries(Object.entries(wanted).filter(([field]) => who.updatable.includes(field)));
  const response = await request(server.url("api/me"), {
    method: "PATCH",
    headers: { ...server.headers(), "Content-Type": "application/json" },
    credentials: "same-origin",
    body: JSON.stringify(allowed),
  });
  return response.ok;
}

/** Give one or two letters that stand for a name, also of names in scripts without capitals. */
export function initials(name: string): string {
  const words = name.split(/[\s._@-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const first = words[0];
  if (first === undefined) return [...name.trim()][0] ?? "?";
  const letters = [first, words.length > 1 ? words.at(-1) : undefined].map((word) => firstLetter(word ?? ""));
  return letters.join("").toLocaleUpperCase();
}

function firstLetter(word: string): string {
  return [...word].find((letter) => /[\p{L}\p{N}]/u.test(letter)) ?? "";
}

function baseUrl(page: Document): string | null {
  const text = page.getElementById("jupyter-config-data")?.textContent;
  if (!text) return null;
  try {
    const base: unknown = (JSON.parse(text) as { baseUrl?: unknown }).baseUrl;
    if (typeof base !== "string" || base === "") return null;
    return base.endsWith("/") ? base : `${base}/`;
  } catch {
    return null;
  }
}

function xsrfToken(cookies: string): string | null {
  const found = /(?:^|;\s*)_xsrf=([^;]*)/.exec(cookies)?.[1];
  return found === undefined ? null : decodeURIComponent(found);
}
