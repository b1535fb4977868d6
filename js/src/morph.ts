/**
 * Makes nodes in a page equal to others with as few changes as there can be, so that what did not change keeps its selection,
 * its focus and its place. It knows nothing of what the nodes mean.
 */

/** Make the children of `parent` from its child number `from` on equal to `wanted`, which may be used up. */
export function morph(parent: Node, from: number, wanted: readonly Node[]): void {
  let held: Node | null = parent.childNodes[from] ?? null;
  for (const node of wanted) {
    if (held === null) {
      parent.appendChild(node);
      continue;
    }
    const next: Node | null = held.nextSibling;
    if (isAlike(held, node)) become(held, node);
    else parent.replaceChild(node, held);
    held = next;
  }
  while (held !== null) {
    const next: Node | null = held.nextSibling;
    parent.removeChild(held);
    held = next;
  }
}

function isAlike(held: Node, wanted: Node): boolean {
  if (held.nodeType !== wanted.nodeType || held.nodeName !== wanted.nodeName) return false;
  return held.nodeType !== Node.ELEMENT_NODE || (held as Element).namespaceURI === (wanted as Element).namespaceURI;
}

function become(held: Node, wanted: Node): void {
  if (held.nodeType === Node.ELEMENT_NODE) {
    becomeElement(held as Element, wanted as Element);
    morph(held, 0, [...wanted.childNodes]);
  } else if (held.nodeType === Node.TEXT_NODE) {
    becomeText(held as Text, (wanted as Text).data);
  }
}

function becomeElement(held: Element, wanted: Element): void {
  for (const { name } of [...held.attributes]) if (!wanted.hasAttribute(name)) held.removeAttribute(name);
  for (const { name, value } of [...wanted.attributes]) if (held.getAttribute(name) !== value) held.setAttribute(name, value);
}

/** Only what differs is replaced: a selection that begins or ends before it stays. */
function becomeText(held: Text, wanted: string): void {
  const { data } = held;
  if (data === wanted) return;
  let same = 0;
  while (same < data.length && same < wanted.length && data.charCodeAt(same) === wanted.charCodeAt(same)) same += 1;
  if (same === data.length) held.appendData(wanted.slice(same));
  else held.replaceData(same, data.length - same, wanted.slice(same));
}
