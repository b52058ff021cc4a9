# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the time goes: kjump's account of a hibernation as a picture."""

import re
from xml.sax.saxutils import escape

WIDTH, LEFT, BAR, GAP = 760, 92, 34, 74
COLOURS = ["#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#9d755d", "#bab0ac"]


def parse(report):
    """[("saving", [(phase, seconds), ...]), ("restoring", [...])] of kjump's report."""
    rows = []
    for name in ("saving", "restoring"):
        line = re.search(rf"^\s*{name}\s+seconds[:,] (.*)$", report, re.MULTILINE)
        phases = re.findall(r"([A-Za-z][A-Za-z' ]*?) (\d+\.\d+)", line.group(1)) if line else []
        rows.append((name, [(phase, float(seconds)) for phase, seconds in phases]))
    return rows


def _bar(name, level, phases, top, scale):
    for text, down in ((name, 14), (level, 30)):
        yield (f'<text x="{LEFT - 10}" y="{top + down}" text-anchor="end">{escape(text)}</text>')
    left = LEFT
    for (phase, seconds), colour in zip(phases, COLOURS):
        width = seconds * scale
        yield (f'<rect x="{left:.1f}" y="{top}" width="{max(width, 0.5):.1f}" height="{BAR}" '
               f'fill="{colour}"><title>{escape(phase)} {seconds:.2f} s</title></rect>')
        if width > 34:
            yield (f'<text x="{left + width / 2:.1f}" y="{top + 22}" text-anchor="middle" '
                   f'fill="#fff">{seconds:.1f}</text>')
        left += width
    yield f'<text x="{left + 8:.1f}" y="{top + 22}">{sum(s for _, s in phases):.1f} s</text>'
    left = LEFT
    for (phase, _), colour in zip(phases, COLOURS):
        yield (f'<rect x="{left}" y="{top + BAR + 9}" width="9" height="9" fill="{colour}"/>'
               f'<text x="{left + 13}" y="{top + BAR + 17}" font-size="11">{escape(phase)}</text>')
        left += 26 + 6.2 * len(phase)


def svg(reports):
    """The picture, as text, of {name: report}."""
    rows = [(f"{name.removeprefix('kjump ')}", part) for name, report in reports.items()
            for part in parse(report) if part[1]]
    longest = max(sum(seconds for _, seconds in phases) for _, (_, phases) in rows)
    scale = (WIDTH - LEFT - 60) / longest
    height = GAP * len(rows) + 14
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
             'font-family="sans-serif" font-size="13">',
             f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>']
    for number, (level, (name, phases)) in enumerate(rows):
        lines += _bar(name, level, phases, 10 + GAP * number, scale)
    return "\n".join(lines) + "\n</svg>\n"
