"""A long answer as models write them, in pieces of three bytes. One period of it is followed by the next, so that two
whole periods anywhere in it are the same work but for what stands before them. No formula and no code comes twice, so
that none need only be remembered.
"""

from __future__ import annotations

import re

_PERIOD = """\
## Ice, part §

Ice is **less dense** than water, which is why it floats; see [the tables](https://example.org/ice) for more. When it
melts, the *volume* shrinks by about `9 %`, and nothing of that is lost.

1. Fill a glass to the brim, with one cube in it.
2. Wait until the cube has melted.
   - Do not stir.
   - Keep the room warm.
3. Look at the edge of the glass.

```python
def volume(mass: float, density: float = 0.917) -> float:
    # What a block of ice takes up, in cubic centimetres.
    return mass / density - §
```

| state | density | temperature |
|---|---:|---:|
| ice | 0.917 | 0 |
| water | 0.9998 | 0 |
| water | 0.9970 | 25 |

The force on a body is the weight of what it displaces, $F_§ = \\rho g V$, so that

$$
\\frac{V_{ice}}{V_{water}} = \\frac{\\rho_{water}}{\\rho_{ice}} \\approx 1.09 + §
$$

> What floats displaces its own weight.

That is all there is to it, and it holds for every glass.

"""

PERIOD: tuple[str, ...] = tuple(re.findall(r" ?\w{1,9}|[^\w\s]+|\s+", _PERIOD))
"""The pieces of one period."""


def piece(number: int) -> str:
    """Give a piece of the answer, which has no end."""
    period, place = divmod(number, len(PERIOD))
    return PERIOD[place].replace("§", str(period))


def text(pieces: int) -> str:
    """Give the beginning of the answer."""
    return "".join(map(piece, range(pieces)))
