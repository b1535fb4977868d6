/** The address of the plain page. Pure. */

/** Give an address without Jupyter's token, or null where it has none. */
export function withoutToken(address: string): string | null {
  const url = new URL(address);
  if (!url.searchParams.has("token")) return null;
  url.searchParams.delete("token");
  return url.href;
}
