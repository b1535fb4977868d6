/**
 * What one has written in a room and the server has not taken, kept in this tab's session storage: the text in the field, and
 * the posts that wait. A reload, or a tab that the browser opens again, finds them; another tab does not, and so no post is
 * sent by two. A post keeps its `cid`, so that one which had arrived after all is not said again.
 *
 * This module touches trust. It covers: what somebody wrote is found again by the same member of the same room alone, and
 * is gone when the tab is closed. It does not cover whoever can read this tab's storage by other means, and it does not keep
 * edits, removals and pins that wait: these are lost with the page.
 */

import type { PendingPost } from "./outbox";

export interface Kept {
  readonly draft: string;
  readonly posts: readonly PendingPost[];
}

/** The part of a `Storage` that is used. */
export type Shelf = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

const PREFIX = "nbgroupchat.kept.";
const NOTHING: Kept = { draft: "", posts: [] };
/** Sizes in UTF-16 units: a longest message is 16 KiB, and a tab has about 5 million for everything. */
const MAX_DRAFT = 32_768;
const MAX_POSTS = 262_144;
const MAX_ROOMS = 20;

/** Give this tab's storage, or null where a page may not have one. */
export function shelf(): Shelf | null {
  try {
    return (globalThis as { sessionStorage?: Shelf }).sessionStorage ?? null;
  } catch {
    return null;
  }
}

export class Keep {
  #you: string | null = null;
  #kept: Kept = NOTHING;

  /** Where there is no storage, nothing outlives the page. */
  constructor(private readonly storage: Shelf | null) {}

  /**
   * From now on keep what is written as member `you`, whose id means this room alone; give what was kept before. What was
   * handed over already is not handed over again.
   */
  begin(you: string): Kept {
    if (you === this.#you) return NOTHING;
    const found = this.#read(you);
    const written = this.#kept;
    this.#you = you;
    this.#kept = { draft: written.draft || found.draft, posts: [...found.posts, ...written.posts] };
    this.#write();
    return found;
  }

  draft(text: string): void {
    if (text === this.#kept.draft) return;
    this.#kept = { ...this.#kept, draft: text };
    this.#write();
  }

  posts(posts: readonly PendingPost[]): void {
    if (posts.length === 0 && this.#kept.posts.length === 0) return;
    this.#kept = { ...this.#kept, posts };
    this.#write();
  }

  #read(you: string): Kept {
    try {
      const found: unknown = JSON.parse(this.storage?.getItem(PREFIX + you) ?? "null");
      if (typeof found !== "object" || found === null) return NOTHING;
      const { draft, posts } = found as { draft?: unknown; posts?: unknown };
      return { draft: typeof draft === "string" ? draft : "", posts: Array.isArray(posts) ? posts.filter(isPost).map(restored) : [] };
    } catch {
      return NOTHING;
    }
  }

  #write(): void {
    if (this.storage === null || this.#you === null) return;
    const key = PREFIX + this.#you;
    const { draft, posts } = this.#kept;
    try {
      if (draft === "" && posts.length === 0) return this.storage.removeItem(key);
      if (this.storage.getItem(key) === null) this.#makeRoom(this.storage);
      this.storage.setItem(key, JSON.stringify({ draft: draft.length > MAX_DRAFT ? "" : draft, posts: fitting(posts) }));
    } catch {
      // It is full, or the browser forbids it: what is written lives as long as the page.
    }
  }

  #makeRoom(storage: Shelf): void {
    const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
    const ours = keys.filter((key) => key.startsWith(PREFIX));
    for (const key of ours.slice(0, Math.max(0, ours.length - MAX_ROOMS + 1))) storage.removeItem(key);
  }
}

/**
 * As many from the first as fit: a later post without an earlier one would change what was said. What has files with it does
 * not fit.
 */
function fitting(posts: readonly PendingPost[]): PendingPost[] {
  let size = 0;
  const over = posts.findIndex((post) => "files" in post || (size += JSON.stringify(post).length) > MAX_POSTS);
  return over < 0 ? [...posts] : posts.slice(0, over);
}

function isPost(value: unknown): value is PendingPost {
  if (typeof value !== "object" || value === null) return false;
  const { method, cid, text, ts, after } = value as Record<string, unknown>;
  return (
    method === "post" && typeof cid === "string" && typeof text === "string" && typeof ts === "number" &&
    (after === null || typeof after === "number")
  );
}

function restored(post: PendingPost): PendingPost {
  if (post.state === "failed") return { ...post, until: null };
  return { ...post, state: "waiting", seq: null, error: null, until: null };
}
