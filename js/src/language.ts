/** In which language the panel speaks, chosen by the browser's preferences, and how it writes numbers and times there. */

export type Language = "en" | "de";

/** `locale` is the browser's own tag of the language, such as "de-AT". */
export interface Choice {
  readonly language: Language;
  readonly locale: string;
}

/** Choose the first language of the browser's that the panel speaks; English where there is none. */
export function choose(preferred: readonly string[]): Choice {
  for (const tag of preferred) {
    const [primary] = tag.toLowerCase().split("-");
    if (primary === "en" || primary === "de") return { language: primary, locale: known(tag, primary) };
  }
  // Whoever reads it as a second language is seldom used to a clock of twelve hours.
  return { language: "en", locale: preferred.length > 0 ? "en-GB" : "en" };
}

/** A browser may name what no standard knows. */
function known(tag: string, language: Language): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? language;
  } catch {
    return language;
  }
}

const page = globalThis as { readonly navigator?: Partial<Pick<Navigator, "languages">> };

export const { language, locale } = choose(page.navigator?.languages ?? []);

const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
const exact = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit", second: "2-digit" });
const whole = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
const dayOfYear = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" });

/** Write times, given in milliseconds since 1970. */
export const written = {
  minute: (ts: number): string => clock.format(ts),
  second: (ts: number): string => exact.format(ts),
  moment: (ts: number): string => whole.format(ts),
  /** A day; with its year where that is another than `now`'s. */
  day: (ts: number, now: number): string =>
    (new Date(ts).getFullYear() === new Date(now).getFullYear() ? day : dayOfYear).format(ts),
};
