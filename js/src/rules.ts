/** What holds in a room that is not so everywhere, as a strip below the header. Pure template; `strings` has the words. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { RoomPolicy } from "./protocol";
import type { Snapshot } from "./snapshot";
import { strings } from "./strings";

export function rulesTemplate(snapshot: Snapshot): TemplateResult | typeof nothing {
  const found = rulesOf(snapshot);
  if (snapshot.you === null || found.length === 0) return nothing;
  return html`<ul class="nbgc-rules nbgc-strip" aria-label=${strings.rules}>
    ${found.map(([rule, words]) => html`<li data-rule=${rule}><bdi>${words}</bdi></li>`)}
  </ul>`;
}

function rulesOf({ room, role, agent }: Snapshot): readonly (readonly [string, string])[] {
  const policy: RoomPolicy = room.policy;
  const instructs = role === "instructor";
  const says = strings.rule;
  const found: (readonly [string, string] | null)[] = [
    role === "observer" ? ["observer", says.observer] : null,
    policy.locked ? ["locked", instructs ? says.lockedForMembers : says.locked] : null,
    policy.hours.length > 0 ? ["hours", says.hours(policy.hours, policy.zone)] : null,
    policy.slow_seconds > 0 ? ["slow", says.slow(policy.slow_seconds)] : null,
    policy.anonymous ? ["anonymous", instructs ? says.anonymousForMembers : says.anonymous] : null,
    agent !== null && policy.agent !== "mention" ? ["agent", says.agent[policy.agent](agent)] : null,
    agent !== null && policy.turns_per_hour > 0 ? ["turns", says.turns(policy.turns_per_hour)] : null,
  ];
  return found.filter((rule) => rule !== null);
}
