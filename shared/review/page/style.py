"""The page's style: light and dark, telephone and wall, screen and paper. Contrasts are held by a test."""

# ruff: noqa: E501 - the long lines are those of another language

from __future__ import annotations

LIGHT = {
    "ink": "#172033", "soft": "#56617a", "line": "#dfe4ee", "card": "#ffffff", "back": "#f3f5fa", "accent": "#2450b2",
    "track": "#e9edf5",
    "critical": "#9f1239", "critical-back": "#ffe7ec", "high": "#9a3412", "high-back": "#ffeedd",
    "medium": "#7a5200", "medium-back": "#fdf3d0", "low": "#1d5a86", "low-back": "#e3f1fb",
    "good": "#14532d", "good-back": "#e2f6e9", "bad": "#9f1239", "bad-back": "#ffe7ec",
    "warn": "#7a5200", "warn-back": "#fdf3d0",
    "s0": "#2f62c4", "s1": "#b45f06", "s2": "#2a7d4f", "s3": "#9b3d8f", "s4": "#0e7490", "s5": "#6b7280",
}  # fmt: skip
DARK = {
    "ink": "#e8ecf4", "soft": "#a3aec2", "line": "#2c3547", "card": "#171e2b", "back": "#0f141d", "accent": "#9dbcff",
    "track": "#263042",
    "critical": "#ffa3b5", "critical-back": "#4a0d1e", "high": "#ffb787", "high-back": "#47200c",
    "medium": "#f7d264", "medium-back": "#3b2c05", "low": "#9ad0f5", "low-back": "#0d3049",
    "good": "#8fe3ad", "good-back": "#0f3220", "bad": "#ffa3b5", "bad-back": "#4a0d1e",
    "warn": "#f7d264", "warn-back": "#3b2c05",
    "s0": "#7ea6f5", "s1": "#f0a35c", "s2": "#6fcf97", "s3": "#e08ad6", "s4": "#5cc8e0", "s5": "#9aa4b5",
}  # fmt: skip
TEXT_PAIRS = (
    ("ink", "card"), ("ink", "back"), ("soft", "card"), ("soft", "back"), ("accent", "card"), ("accent", "back"),
    *((name, f"{name}-back") for name in ("critical", "high", "medium", "low", "good", "bad", "warn")),
    *((name, "card") for name in ("critical", "high", "medium", "low", "good")),
    *(("ink", f"{name}-back") for name in ("good", "bad", "warn")),
)  # fmt: skip
"""Text on ground: at least 4.5 to 1 (WCAG 2.2, 1.4.3)."""

SHAPE_PAIRS = tuple((name, "card") for name in ("s0", "s1", "s2", "s3", "s4", "s5"))
"""Shapes of charts on their ground: at least 3 to 1 (WCAG 2.2, 1.4.11)."""


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in colours.items())


def _of_each_risk() -> str:
    return "".join(
        f".risk-{risk}{{color:var(--{risk});background:var(--{risk}-back)}}.edge-{risk}{{border-left-color:var(--{risk})}}"
        f".fill-{risk}{{fill:var(--{risk})}}.dot-{risk}{{background:var(--{risk})}}"
        for risk in ("critical", "high", "medium", "low")
    )


def _of_each_series() -> str:
    return "".join(f".series-{n}{{fill:var(--s{n});background:var(--s{n})}}" for n in range(6))


STYLE = (
    f"""
:root{{color-scheme:light dark;{_variables(LIGHT)}}}
@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}
"""
    + """
*{box-sizing:border-box}
html{scroll-padding-top:60px;-webkit-text-size-adjust:100%}
[hidden]{display:none!important}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main,.top,nav,footer{max-width:1200px;margin:0 auto;padding-left:24px;padding-right:24px}
main{display:grid;gap:20px;grid-template-columns:minmax(0,1fr)}
.top{padding-top:36px;padding-bottom:8px}
.top p{max-width:75ch;margin:6px 0 0;color:var(--soft)}
.top strong{color:var(--ink)}
.eyebrow{margin:0!important;font-size:12px;font-weight:600;letter-spacing:.08em;text-transform:uppercase}
h1{margin:2px 0 0;font-size:32px;line-height:1.15;letter-spacing:-.02em}
h1 span{color:var(--soft);font-weight:500}
h2{margin:0 0 12px;font-size:19px;letter-spacing:-.01em}
h3{margin:0 0 10px;font-size:15px}
h4{margin:0;font-size:15.5px;line-height:1.4}
code,pre{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
code{overflow-wrap:anywhere}
a{color:var(--accent);text-underline-offset:2px}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}
nav{position:sticky;top:0;z-index:2;display:flex;gap:4px 18px;overflow-x:auto;padding-top:10px;padding-bottom:10px;background:var(--back);white-space:nowrap}
nav a{font-size:13.5px;font-weight:500;text-decoration:none;padding:4px 0}
nav a:hover{text-decoration:underline}
.skip{position:absolute;left:-999px;top:0;z-index:3;padding:10px 16px;background:var(--card);color:var(--accent)}
.skip:focus{left:12px;top:12px}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:22px 24px;min-width:0}
.verdict{border-width:1px 1px 1px 6px}
.verdict h2{display:flex;gap:10px;align-items:center}
.verdict h2::before{display:inline-grid;place-items:center;width:26px;height:26px;flex:none;border-radius:50%;font-size:15px;color:var(--card)}
.good{background:var(--good-back);border-color:var(--good)}.good h2{color:var(--good)}.good h2::before{content:"\\2713";background:var(--good)}
.bad{background:var(--bad-back);border-color:var(--bad)}.bad h2{color:var(--bad)}.bad h2::before{content:"!";background:var(--bad)}
.warn{background:var(--warn-back);border-color:var(--warn)}.warn h2{color:var(--warn)}.warn h2::before{content:"?";background:var(--warn)}
.verdict p{margin:0 0 12px;max-width:85ch}
.roots{display:grid;grid-template-columns:repeat(auto-fit,minmax(280px,1fr));gap:10px 28px;margin:0}
dt{font-size:12px;font-weight:600;letter-spacing:.02em}
dd{margin:0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:14px}
.tile{border:1px solid var(--line);border-radius:12px;padding:14px 16px}
.tile b{display:block;font-size:30px;line-height:1.15;font-weight:650;font-variant-numeric:tabular-nums;letter-spacing:-.02em}
.tile span{color:var(--soft);font-size:13.5px}
.plain{margin:16px 0 0;padding-left:20px;max-width:80ch}
.plain li{margin:4px 0}
.halves{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:26px 36px}
.halves>*{min-width:0}
svg{display:block;overflow:visible}
.split{border-radius:9px;overflow:hidden}
.track{fill:var(--track)}.bar-now{fill:var(--s0)}.bar-before{fill:var(--s5)}
.axis{stroke:var(--line)}
.tick{fill:var(--soft);font-size:11px;text-anchor:middle;font-variant-numeric:tabular-nums}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:10px 0 18px;padding:0;list-style:none;font-size:13px;color:var(--soft)}
.legend b{color:var(--ink)}
.dot{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:7px}
table{border-collapse:collapse;width:100%;font-size:13.5px}
caption{text-align:left;font-weight:600;font-size:15px;padding-bottom:8px}
caption.off{position:absolute;width:1px;height:1px;padding:0;overflow:hidden;clip-path:inset(50%)}
th{text-align:left;font-weight:500}
thead th,thead td{color:var(--soft);font-size:12.5px;padding-bottom:6px;vertical-align:bottom}
td,th{padding:7px 16px 7px 0;vertical-align:top}
tbody tr>*{border-top:1px solid var(--line)}
tr>:last-child{padding-right:0}
.bars td{font-variant-numeric:tabular-nums;white-space:nowrap;text-align:right;padding-right:10px}
.bars thead th:not(:first-child){text-align:right;padding-right:10px}
.bars .bar{width:26%;min-width:56px;vertical-align:middle}
.more{color:var(--high)}.fewer{color:var(--good)}
.scroll{overflow-x:auto}
.line{display:block}
.stack .line+.line{margin-top:3px}
.stack code.line,.date{white-space:nowrap}
.filters{display:grid;grid-template-columns:2fr 1fr 1.6fr 1fr auto;gap:12px;align-items:end;margin-bottom:18px;padding:14px 16px;background:var(--back);border:1px solid var(--line);border-radius:12px}
.filters label{display:grid;gap:4px;font-size:12.5px;font-weight:600;color:var(--soft);min-width:0}
.filters p{grid-column:1/-1;margin:0;font-size:13px;color:var(--soft)}
input,select,button{font:inherit;font-size:14px;font-weight:400;width:100%;min-height:40px;padding:6px 10px;color:var(--ink);background:var(--card);border:1px solid var(--soft);border-radius:8px}
button{cursor:pointer;width:auto;padding:6px 16px;font-weight:500}
.group{margin-top:22px}
.group h3{display:flex;gap:10px;align-items:center;font-size:16px}
.many{font-size:12.5px;font-weight:600;color:var(--soft);border:1px solid var(--line);border-radius:99px;padding:0 9px}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,480px),1fr));gap:14px}
.card{border:1px solid var(--line);border-left-width:5px;border-radius:12px;padding:16px 18px;min-width:0;scroll-margin-top:60px}
.card:target{outline:3px solid var(--accent);outline-offset:2px}
.card p{margin:8px 0 0}
.badge{display:inline-block;border-radius:99px;padding:1px 10px;font-size:12px;font-weight:650;vertical-align:1px;white-space:nowrap}
.chip{border:1px solid var(--line);border-radius:6px;padding:0 6px;font-size:12px;color:var(--soft)}
.subject{color:var(--soft);font-size:13.5px}
.subject code{color:var(--ink)}
.who,.role{display:inline-block;margin-right:14px}
.proposal{padding:9px 12px;background:var(--back);border-radius:8px}
.fine{font-size:12.5px;color:var(--soft)}
.standing{font-size:13.5px}
.state{border-radius:6px;padding:1px 8px;border:1px solid currentColor;font-size:12.5px}
.state-undecided{color:var(--high)}.state-approved,.state-applied{color:var(--good)}.state-revoked{color:var(--critical)}.state-deferred{color:var(--medium)}
details{margin-top:8px}
summary{cursor:pointer;color:var(--accent);font-size:13.5px;font-weight:500}
.records{columns:2 260px;margin:6px 0 0;padding:0;list-style:none}
pre{margin:8px 0 0;padding:10px 12px;overflow-x:auto;background:var(--back);border:1px solid var(--line);border-radius:8px}
.facts{display:grid;gap:8px;margin:14px 0 0}
.none{color:var(--soft)}
footer{padding-top:18px;padding-bottom:40px;color:var(--soft);font-size:13px}
@media (max-width:760px){
 main,.top,nav,footer{padding-left:14px;padding-right:14px}
 .top{padding-top:22px}h1{font-size:27px}
 section{padding:18px 16px;border-radius:12px}
 .tiles{grid-template-columns:1fr 1fr}.tile{padding:11px 13px}.tile b{font-size:25px}
 .filters{grid-template-columns:1fr 1fr}.filters label:first-child{grid-column:1/-1}
 .bars .bar{display:none}
 .bars thead td,.tick.top{display:none}
 .stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
 .stack,.stack tbody{display:block}
 .stack tr{display:block;padding:12px 0;border-top:1px solid var(--line)}
 .stack tr>*{display:grid;grid-template-columns:118px minmax(0,1fr);gap:10px;border:0;padding:3px 0}
 .stack tr>*::before{content:attr(data-label);color:var(--soft);font-size:12.5px;font-weight:500}
 .scroll:has(.stack){overflow:visible}
}
@media print{
 body{font-size:10.5pt}nav,.filters,.skip{display:none!important}
 section{border:0;padding:0;margin-bottom:14pt;border-radius:0}
 .verdict{border:1.5pt solid;padding:8pt}
 .card,.tile,tr{break-inside:avoid}h2,h3{break-after:avoid}
 .cards{grid-template-columns:1fr}.scroll{overflow:visible}
 details::details-content{content-visibility:visible;block-size:auto}
 *{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
"""
)
STYLE = STYLE.replace(
    "@media (max-width:760px)", f"{_of_each_risk()}{_of_each_series()}\n@media (max-width:760px)", 1
)
STYLE += f"@media print{{:root{{color-scheme:light;{_variables(LIGHT)}--back:#fff}}}}\n"
