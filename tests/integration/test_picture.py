# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the topology in a real browser: no script error, every host there, nothing outside the page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab import engine
from scripts import large_inventory

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")

# Runs before the page's own script: what goes wrong is kept.
BEFORE = "<script>window.wrong=[];addEventListener('error',e=>wrong.push(String(e.message||e.target)),true)</script>"
# Runs after it: measures, tries the search, and writes what it saw into the page, which the browser then prints.
AFTER = """<pre id="verdict"></pre><script>
addEventListener('load',()=>{
  const box=e=>e.getBoundingClientRect(), within=(a,b)=>a.left>=b.left-1&&a.right<=b.right+1&&a.top>=b.top-1&&a.bottom<=b.bottom+1;
  const outside=[];
  for(const node of document.querySelectorAll('g.node')){
    const frame=box(node.querySelector('rect'));
    for(const text of node.querySelectorAll('text'))if(!within(box(text),frame))outside.push('text: '+text.textContent);
    if(!within(frame,box(document.getElementById('connections'))))outside.push('node: '+node.textContent);
  }
  for(const host of document.querySelectorAll('.host')){
    if(!within(box(host),box(host.closest('.site'))))outside.push('host: '+host.textContent);
    for(const part of host.children)if(!within(box(part),box(host)))outside.push('part: '+part.textContent);
  }
  const nodes=[...document.querySelectorAll('g.node rect')].map(box);
  const overlap=nodes.some((a,i)=>nodes.some((b,j)=>i<j&&a.left<b.right&&b.left<a.right&&a.top<b.bottom&&b.top<a.bottom));
  const first=document.querySelector('.host b').textContent, find=document.getElementById('find');
  find.value=first;find.dispatchEvent(new Event('input'));
  const lit=document.querySelectorAll('.host.on').length;
  find.value='';find.dispatchEvent(new Event('input'));
  document.getElementById('verdict').textContent=JSON.stringify({
    wrong, outside, overlap, lit, unlit:document.querySelectorAll('.on').length,
    hosts:[...document.querySelectorAll('.host b')].map(e=>e.textContent),
    loaded:performance.getEntriesByType('resource').map(e=>e.name),
    wide:document.documentElement.scrollWidth, window:innerWidth,
    smallest:Math.min(...[...document.querySelectorAll('.host b,.chip,svg text')].map(e=>parseFloat(getComputedStyle(e).fontSize))),
  });
});
</script>"""  # noqa: E501 - a browser's script


def browser() -> str:
    """The browser's command; Debian's is installed where there is none."""
    if not any(map(shutil.which, BROWSERS)):
        engine.require(BROWSERS[0])
    return next(filter(None, map(shutil.which, BROWSERS)))


def looked_at(page: Path, width: int) -> dict[str, Any]:
    """What the page measured of itself in a window of that many pixels."""
    measured = page.with_suffix(".measured.html")
    text = page.read_text(encoding="utf-8")
    assert text.count("<head>") == text.count("</body>") == 1
    text = text.replace("<head>", "<head>" + BEFORE).replace("</body>", AFTER + "</body>")
    measured.write_text(text, encoding="utf-8")
    options = ["--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", f"--window-size={width},1000"]
    argv = [browser(), *options, "--dump-dom", measured.as_uri()]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    verdict = re.search(r'<pre id="verdict">(.*?)</pre>', done.stdout, re.DOTALL)
    assert verdict, done.stderr
    found: dict[str, Any] = json.loads(verdict[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    return found


def drawn(inventory: Path, page: Path) -> None:
    """Have plan.yml draw an inventory."""
    argv = ["ansible-playbook", "-i", str(inventory), "playbooks/plan.yml", "-e", f"prometheus_ha_plan_files={page}"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def hosts(inventory: Path) -> set[str]:
    argv = [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(inventory), "--list"]
    data = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    return set(data["_meta"]["hostvars"])


@pytest.fixture(scope="module", params=[0, 40, 200], ids=["example", "40 hosts", "200 hosts"])
def inventory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not request.param:
        return ROOT / "inventory" / "example"
    folder = tmp_path_factory.mktemp("large")
    large_inventory.write(request.param, folder)
    return folder


def test_the_page_in_a_browser(inventory: Path, tmp_path: Path) -> None:
    page = tmp_path / "topology.html"
    drawn(inventory, page)
    for width in (1400, 420):
        seen = looked_at(page, width)
        assert seen["wrong"] == []
        assert seen["loaded"] == []
        assert set(seen["hosts"]) == hosts(inventory)
        assert seen["outside"] == []
        assert not seen["overlap"]
        assert seen["wide"] <= seen["window"]
        assert seen["smallest"] >= 11
        assert 0 < seen["lit"] <= len(seen["hosts"])
        assert seen["unlit"] == 0
