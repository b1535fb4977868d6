"""What the panel is measured against: a page that renders the whole message again with every text it is sent, with
marked and DOMPurify, as chats in notebooks do.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from tornado.web import RequestHandler, StaticFileHandler
from tornado.websocket import WebSocketHandler

from benchmarks import panel_markdown

MODULES = Path(__file__).parent.parent / "js" / "node_modules"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>peer</title>
<link rel="icon" href="data:,">
<style>#scroller { height: 600px; overflow: auto; font: 14px/1.5 sans-serif }</style>
</head>
<body><div id="scroller"><div id="message"></div></div>
<script type="module">
import { marked } from "/modules/marked/lib/marked.esm.js";
import DOMPurify from "/modules/dompurify/dist/purify.es.mjs";

const scroller = document.getElementById("scroller");
const message = document.getElementById("message");
let text = "";
let frame = 0;
// As the panel does, it keeps the end in sight.
const follow = () => {
  frame = 0;
  scroller.scrollTop = scroller.scrollHeight;
};
window.stream = () => new Promise((resolve) => {
  const socket = new WebSocket(`ws://${location.host}/peer/stream${location.search}`);
  socket.onmessage = (event) => {
    text += event.data;
    message.innerHTML = DOMPurify.sanitize(marked.parse(text));
    frame ||= requestAnimationFrame(follow);
  };
  socket.onclose = () => requestAnimationFrame(() => setTimeout(() => resolve(text.length)));
});
window.ready = true;
</script>
</body>
</html>
"""


class _Page(RequestHandler):
    def get(self) -> None:
        self.finish(_PAGE)


class _Stream(WebSocketHandler):
    """Sends `count` pieces at `rate` a second, those of `slice` seconds together, and closes."""

    async def open(self, *_args: str, **_kwargs: str) -> None:
        count, rate = (int(self.get_query_argument(name)) for name in ("count", "rate"))
        together = max(1, int(float(self.get_query_argument("slice")) * rate))
        start = time.monotonic()
        for first in range(0, count, together):
            last = min(count, first + together)
            await asyncio.sleep(max(0.0, start + last / rate - time.monotonic()))
            await self.write_message("".join(map(panel_markdown.piece, range(first, last))))
        self.close()


def routes() -> list[Any]:
    """Give what serves the page at `/peer?count=&rate=&slice=`."""
    return [
        ("/peer", _Page),
        ("/peer/stream", _Stream),
        ("/modules/(.*)", StaticFileHandler, {"path": str(MODULES)}),
    ]
