/**
 * An event stream over `fetch`, with the part of EventSource's face that SignalR uses.
 *
 * A browser's own EventSource sends no header, which JupyterHub asks for, and is open as soon as the headers are there,
 * though a proxy may hold the events back until the stream ends. This one sends headers, and is open when the first byte
 * of the body has come: the server begins with a comment. It knows nothing of what the events mean.
 *
 * Specification: the HTML standard, section Server-sent events.
 */

type Heard = ((event: { data: string }) => void) | null;

export class EventStream {
  onopen: (() => void) | null = null;
  onmessage: Heard = null;
  onerror: (() => void) | null = null;
  readonly #abort = new AbortController();

  constructor(url: string, headers: Record<string, string>, request: typeof fetch = fetch) {
    void this.#read(url, headers, request);
  }

  /** The first byte has come. */
  protected opened(): void {
    this.onopen?.();
  }

  protected heard(data: string): void {
    this.onmessage?.({ data });
  }

  close(): void {
    this.onopen = this.onmessage = this.onerror = null;
    this.#abort.abort();
  }

  /** End as if the server had, and say so. */
  fail(): void {
    this.onerror?.();
    this.close();
  }

  async #read(url: string, headers: Record<string, string>, request: typeof fetch): Promise<void> {
    try {
      const response = await request(url, {
        headers: { ...headers, Accept: "text/event-stream" },
        credentials: "same-origin",
        cache: "no-store",
        signal: this.#abort.signal,
      });
      if (!response.ok || response.body === null) throw new Error(`the stream was answered ${response.status}`);
      const parse = eventParser();
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (let first = true; ; first = false) {
        const { done, value } = await reader.read();
        if (done) break;
        if (first) this.opened();
        for (const data of parse(decoder.decode(value, { stream: true }))) this.heard(data);
      }
    } catch {
      // However it ended, there is one thing to be said.
    }
    this.fail();
  }
}

/** Give a function that takes the next part of a stream and gives the data of the unnamed events that are whole now. */
export function eventParser(): (part: string) => string[] {
  let rest = "";
  let data: string[] = [];
  let named = false;
  return (part) => {
    const found: string[] = [];
    // A carriage return at the end may be the first half of a line end.
    const lines = (rest + part).split(/\r\n|\n|\r(?!$)/u);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0 && !named) found.push(data.join("\n"));
        data = [];
        named = false;
        continue;
      }
      const [, field, value] = /^([^:]*):? ?(.*)$/su.exec(line) ?? [];
      if (field === "data") data.push(value ?? "");
      if (field === "event") named = value !== "" && value !== "message";
    }
    return found;
  };
}
