"""The picture that a token shows before it is painted: a primed canvas, drawn as SVG."""

from __future__ import annotations

from xml.sax.saxutils import escape

_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512" role="img">
<title>{title}, edition {edition}: not painted yet</title>
<defs>
<linearGradient id="ground" x1="0" y1="0" x2="0.6" y2="1">
<stop offset="0" stop-color="#4a453d"/><stop offset="1" stop-color="#26231f"/>
</linearGradient>
<radialGradient id="light" cx="0.34" cy="0.26" r="0.8">
<stop offset="0" stop-color="#d9c7a3" stop-opacity="0.34"/><stop offset="1" stop-color="#d9c7a3" stop-opacity="0"/>
</radialGradient>
<pattern id="weave" width="6" height="6" patternUnits="userSpaceOnUse">
<path d="M0 1.5h3M3 4.5h3" stroke="#efe4cc" stroke-opacity="0.06"/>
<path d="M1.5 3v3M4.5 0v3" stroke="#000" stroke-opacity="0.16"/>
</pattern>
</defs>
<rect width="512" height="512" fill="url(#ground)"/>
<rect width="512" height="512" fill="url(#weave)"/>
<rect width="512" height="512" fill="url(#light)"/>
<path d="M96 330C150 296 190 300 238 318S340 352 416 300" fill="none" stroke="#efe4cc" stroke-opacity="0.3"/>
<circle cx="328" cy="196" r="34" fill="none" stroke="#efe4cc" stroke-opacity="0.26"/>
</svg>
"""


def svg(title: str, edition: int) -> bytes:
    """The SVG for an edition, UTF-8. Characters that XML cannot hold are replaced by U+FFFD."""
    clean = "".join(c if _is_xml(c) else "\ufffd" for c in title)
    return _SVG.format(title=escape(clean), edition=edition).encode("utf-8")


def _is_xml(character: str) -> bool:
    # XML 1.0, section 2.2, production Char.
    code = ord(character)
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code > 0xFFFF
