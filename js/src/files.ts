/**
 * The bytes of a room's attachments in this page: from the server's address where the page reaches it, else over the
 * connection. It knows nothing of how attachments look.
 */

import type { AttachmentSource } from "./attached";
import type { Attachment } from "./attachment";

export interface FilesWay {
  /** Give the server's address of an attachment, null where this page does not reach it. */
  url(id: string): string | null;
  /** Give its bytes over the connection, null where they did not come. */
  download(id: string): Promise<Uint8Array<ArrayBuffer> | null>;
}

export class Files implements AttachmentSource {
  readonly #made = new Map<string, Promise<string | null>>();
  #gone = false;

  constructor(private readonly way: FilesWay) {}

  address(attachment: Attachment): Promise<string | null> {
    const url = this.way.url(attachment.id);
    return url !== null ? Promise.resolve(url) : this.otherAddress(attachment);
  }

  otherAddress(attachment: Attachment): Promise<string | null> {
    const made = this.#made.get(attachment.id) ?? this.#make(attachment);
    this.#made.set(attachment.id, made);
    return made;
  }

  /** Hand a file to the browser, which never shows it as a page: the server says so, and a copy is called what it is. */
  save(attachment: Attachment): void {
    void this.address(attachment).then((address) => {
      if (address === null) return;
      const link = document.createElement("a");
      link.href = address;
      link.download = attachment.name;
      link.click();
    });
  }

  dispose(): void {
    this.#gone = true;
    for (const made of this.#made.values()) void made.then((address) => address !== null && URL.revokeObjectURL(address));
    this.#made.clear();
  }

  async #make({ id, mime, size }: Attachment): Promise<string | null> {
    const bytes = await this.way.download(id);
    if (bytes === null || bytes.length !== size || this.#gone) {
      this.#made.delete(id);
      return null;
    }
    const type = mime.startsWith("image/") ? mime : "text/plain;charset=utf-8";
    return URL.createObjectURL(new Blob([bytes], { type }));
  }
}
