/**
 * What can be attached to a message: pictures of a few kinds, and files of text. Twin of `attachment.py`. Pure; it knows nothing
 * of how attachments look or where their bytes are.
 */

/** Largest attachment, in bytes, and most of one message. */
export const MAX_ATTACHMENT = 4 * 1024 * 1024;
export const MAX_ATTACHED = 8;

export const PICTURES: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** `id` is the SHA-256 of the bytes; `text` is the beginning of a file of text, which is `cut` where there is more. */
export interface Attachment {
  readonly id: string;
  readonly name: string;
  readonly mime: string;
  readonly size: number;
  readonly width: number;
  readonly height: number;
  readonly text: string;
  readonly cut: boolean;
}

export function isPicture({ mime }: { readonly mime: string }): boolean {
  return PICTURES.includes(mime);
}

/** Give what a message says in a line: its text or, where it has none, the names of what it has attached. */
export function gist({ text, attachments }: { readonly text: string; readonly attachments: readonly Attachment[] }): string {
  return text === "" ? attachments.map(({ name }) => name).join(", ") : text;
}
