/**
 * Which links are made, and how they look. Pure but for the element it dresses.
 *
 * Covers: only absolute http, https and mailto addresses become links, so nothing runs and nothing on this server is
 * reached by accident; a link shows where it goes where its text does not say so; nothing is fetched before it is clicked,
 * and the page that is opened knows nothing of this one. Does not cover: what stands on that page.
 */

const WEB = new Set(["http:", "https:"]);

/** Give the address that a link may go to, null where it may not be one. */
export function address(href: string): URL | null {
  if (!/^(?:https?:\/\/|mailto:)/i.test(href)) return null;
  const url = URL.canParse(href) ? new URL(href) : null;
  if (url === null) return null;
  if (WEB.has(url.protocol)) return url.host === "" ? null : url;
  return url.protocol === "mailto:" && url.pathname !== "" ? url : null;
}

/** Say where a link goes, null where its text says it already. */
export function destination(url: URL, text: string): string | null {
  const said = text.trim().toLowerCase();
  if (url.protocol === "mailto:") return said.replace(/^mailto:/, "") === url.pathname.toLowerCase() ? null : url.pathname;
  const rest = said.replace(/^https?:\/\//, "");
  const says = rest.startsWith(url.host) && /^(?:$|[/?#])/.test(rest.slice(url.host.length));
  return says && url.username === "" && url.password === "" ? null : url.host;
}

/** Make a purified link open elsewhere and say where; what must be no link becomes its content. */
export function dressLink(link: HTMLAnchorElement): void {
  const url = address(link.getAttribute("href") ?? "");
  if (url === null) return link.replaceWith(...link.childNodes);
  const place = destination(url, link.textContent ?? "");
  link.setAttribute("href", url.href);
  link.setAttribute("target", "_blank");
  link.setAttribute("rel", "noopener noreferrer");
  link.setAttribute("data-lm-suppress-shortcuts", "true");
  if (place === null) return;
  const host = document.createElement("bdi");
  host.className = "nbgc-host";
  host.dir = "ltr";
  host.textContent = place;
  link.after(" ", host);
}
