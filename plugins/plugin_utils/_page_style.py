# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page's style sheet and script."""

from __future__ import annotations

STYLE = """
:root{--ink:#1d2330;--soft:#5f6b7a;--paper:#f6f7f9;--card:#fff;--line:#cdd3db}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#9aa5b4;--paper:#14171d;--card:#1e232c;--line:#3a424f}}
*{box-sizing:border-box}
body{margin:0;padding:16px 20px 40px;background:var(--paper);color:var(--ink);font:14px/1.45 system-ui,sans-serif}
header{display:flex;flex-wrap:wrap;gap:12px;align-items:baseline;justify-content:space-between}
h1{font-size:20px;margin:0}h2{font-size:15px;margin:22px 0 8px}h3{font-size:14px;margin:0 0 8px}
h4{font-size:12px;font-weight:600;margin:0 0 6px;color:var(--soft);overflow-wrap:anywhere}
small{font-weight:400;color:var(--soft)}
input{font:inherit;padding:5px 9px;border:1px solid var(--line);border-radius:6px;
  background:var(--card);color:inherit;max-width:100%}
.scroll{overflow-x:auto;max-width:100%}
svg{display:block;font:12px ui-monospace,"DejaVu Sans Mono","Liberation Mono",Menlo,Consolas,monospace}
svg text{fill:var(--ink)}svg .title{font-weight:700}svg .row{fill:var(--ink)}
.node rect{fill:var(--card);stroke-width:1.6}
.link path{fill:none;stroke:var(--soft);stroke-width:1.3}.link text{fill:var(--soft);font-size:11px}
.link text{paint-order:stroke;stroke:var(--paper);stroke-width:3px}
#tip path{fill:var(--soft)}
.sites{display:flex;flex-wrap:wrap;gap:14px;align-items:flex-start}
.site{border:1.5px solid var(--line);border-radius:10px;padding:12px;background:var(--card);max-width:100%}
.domains{display:flex;flex-wrap:wrap;gap:10px;align-items:flex-start}
.domain{border:1px dashed var(--line);border-radius:8px;padding:8px;
  display:flex;flex-direction:column;gap:6px;max-width:100%}
.domain.open{border:0;padding:0;flex-direction:row;flex-wrap:wrap;flex-basis:100%;order:1}
.host{border:1px solid var(--line);border-radius:6px;padding:5px 8px;
  display:flex;flex-direction:column;gap:3px;max-width:100%}
.host b{font-size:13px;overflow-wrap:anywhere}
.chip{font-size:11px;line-height:1.3;border-left:4px solid;padding-left:6px;color:var(--soft);overflow-wrap:anywhere}
details{margin-top:22px}pre{overflow-x:auto;font-size:12px;max-width:100%}
.lit [data-c]:not(.on){opacity:.22}.lit g.node:has(.on),.lit .host:has(.on){opacity:1}
"""

SCRIPT = """
const all=[...document.querySelectorAll('[data-c]')];
const words=text=>(text||'').split(' ').filter(Boolean);
const of=e=>new Set(words(e.dataset.c));
const near={};
for(const row of document.querySelectorAll('[data-n]'))near[row.dataset.c]=words(row.dataset.n);
const around=e=>{const own=of(e);return new Set([...own,...[...own].flatMap(c=>near[c]||[])])};
function light(wanted){
  document.body.classList.toggle('lit',wanted!==null);
  for(const e of all){const own=of(e);e.classList.toggle('on',wanted!==null&&[...own].some(c=>wanted.has(c)))}
}
for(const e of all){
  e.addEventListener('mouseenter',()=>light(around(e)));
  e.addEventListener('mouseleave',()=>light(null));
}
document.getElementById('find').addEventListener('input',event=>{
  const wanted=event.target.value.trim().toLowerCase();
  if(!wanted){light(null);return}
  const found=new Set();
  for(const e of document.querySelectorAll('.host,.row'))
    if(e.textContent.toLowerCase().includes(wanted))for(const c of of(e))found.add(c);
  light(found);
});
"""
