/** A text field that grows with its text, and the size of what stands in it. Knows nothing of what it is for. */

const encoder = new TextEncoder();

/** Give a text's size on the wire, in bytes of UTF-8. */
export function bytes(text: string): number {
  return encoder.encode(text).length;
}

/** Let the field grow with its text, up to the greatest height that the style sheet gives it. */
export function fit(field: HTMLTextAreaElement): void {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

/** Say whether a key belongs to an input method. Safari ends composing before the key, and gives it number 229. */
export function isComposed(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}
