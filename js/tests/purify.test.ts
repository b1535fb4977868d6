import "./page";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ATTRIBUTES, TAGS, purify } from "../src/purify";

const ATTACKS = [
  "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)><a href='javascript:alert(1)'>x</a></svg>",
  "<iframe srcdoc='<script>alert(1)</script>'></iframe>", "<form action=/x><input name=a autofocus onfocus=alert(1)></form>",
  "<style>*{background:url(https://example.org)}</style>", "<p style='background:url(https://example.org)' class=nbgc-stop id=x>y</p>",
  "<a href='javascript:alert(1)' name=location data-x=1>z</a>", "<a href='/relative' target=_self>z</a>", "<math><mtext><style><img src=x></style></mtext></math>",
  "<a href='https://example.org' ping='https://example.org' onclick=alert(1) rel=opener>z</a>", "<video poster=https://example.org><source src=x></video>",
  "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "<template><img src=x onerror=alert(1)></template>", "<base href=//example.org>",
  "<link rel=prefetch href=https://example.org>", "<meta http-equiv=refresh content=0>", "<td background=https://example.org>x</td>",
];

test("of any HTML only the listed tags and attributes are left", () => {
  for (const attack of ATTACKS) {
    const left = purify(attack);
    for (const element of left.querySelectorAll("*")) {
      assert.ok(TAGS.includes(element.localName), `${element.localName} of ${attack}`);
      for (const { name, value } of element.attributes) {
        assert.ok(ATTRIBUTES.includes(name), `${name} of ${attack}`);
        if (name === "href") assert.match(value, /^(https?:\/\/|mailto:)/);
      }
    }
  }
});

test("what Markdown makes is left as it is", () => {
  const place = document.createElement("div");
  const made = '<h1>a</h1><ol start="3"><li><a href="https://example.org">b</a></li></ol><table><tbody><tr><td align="right">c</td></tr></tbody></table>';
  place.append(purify(made));
  assert.equal(place.innerHTML, made);
});
