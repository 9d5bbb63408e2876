# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the bucket tools found, as lines for people; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._bucket_blocks import size, span

# Further blocks are counted; all of them are in the module's result.
MOST = 50
Found = t.Mapping[str, t.Any]


def count(number: int, what: str) -> str:
    """``1 block``, ``2 blocks``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _some(lines: t.Sequence[str]) -> list[str]:
    return [*lines[:MOST], *([f"  ... and {len(lines) - MOST} more"] if len(lines) > MOST else [])]


def _block(one: Found) -> str:
    return f"  {one['id']} {one['stream']}, {one['resolution']}, level {one['level']}, {one['begin']} to {one['end']}"


def inspected(found: Found) -> list[str]:
    lines = [
        f"stream {one['stream']}, {one['resolution']}: {count(one['blocks'], 'block')} of "
        f"{'levels' if len(one['levels']) > 1 else 'level'} {', '.join(one['levels'])}, "
        f"{one['begin']} to {one['end']}, {count(one['samples'], 'sample')}, {size(one['bytes'])}"
        for one in found["streams"]
    ]
    lines += _some(
        [
            f"OVERLAP in {one['stream']}, {one['resolution']}, {one['begin']} to {one['end']}: "
            f"{', '.join(one['blocks'])}"
            for one in found["overlaps"]
        ]
    )
    total = sum(one["blocks"] for one in found["streams"])
    lines.append(
        f"{count(total, 'block')} and {count(len(found['overlaps']), 'overlap')}; "
        f"{len(found['marked'])} more marked for deletion, {found['partial']} without a meta.json (uploads under way, "
        "or left behind)"
    )
    return lines


def verified(found: Found) -> list[str]:
    lines = [
        f"{one['issue']}: {one['what']}{': ' + one['stream'] if one['stream'] else ''}"
        f"{', ' + one['begin'] + ' to ' + one['end'] if one['begin'] else ''}: {', '.join(one['blocks'])}"
        for one in found["problems"]
    ]
    ending = f"{count(found['blocks'], 'block')} verified ({', '.join(found['issues'])})"
    return [*_some(lines), f"{ending}: {count(len(lines), 'problem') if lines else 'all is well'}"]


def replicated(found: Found, *, applied: bool) -> list[str]:
    lines = []
    for one in found["streams"]:
        age = "nothing is copied" if one["rpo"] is None else span(one["rpo"])
        stopped = "" if one["live"] else " (no longer written by this inventory)"
        missing = f"{len(one['missing'])} of {count(one['blocks'], 'block')} missing"
        lines.append(f"RPO of the copy: stream {one['stream']}: {age}, {missing}{stopped}")
    done = f"{count(len(found['copied']), 'block')} {'copied' if applied else 'would be copied'}"
    lines.append(f"{done}; {found['extra']} in the copy that the bucket has no more")
    return lines


def retained(found: Found, params: Found, *, applied: bool) -> list[str]:
    kept = ", ".join(
        f"{name} {params[f'retention_{name}']}" for name in ("raw", "5m", "1h") if params[f"retention_{name}"] != "0d"
    )
    lines = _some([_block(one) + _last(one, found) for one in found["marked"]])
    did = "marked for deletion" if applied else "would be marked for deletion"
    return [*lines, f"{count(len(found['marked']), 'block')} {did} (kept: {kept})"]


def _last(one: Found, found: Found) -> str:
    return ": NOTHING of that time stays, not even downsampled" if one["id"] in found["last"] else ""


def cleaned(found: Found, params: Found, *, applied: bool) -> list[str]:
    delay = params["delete_delay"]
    if applied:
        lines = [f"{count(len(found['deleted']), 'block')} deleted: {', '.join(found['deleted']) or 'none'}"]
    else:
        lines = _some([_block(one) for one in found["marked"]])
        whose = f"of {count(len(found['marked']), 'block')} that {'is' if len(found['marked']) == 1 else 'are'} marked"
        lines.append(f"{found['due']} {whose} would be deleted: marked longer ago than {delay}")
    if found["partial"]:
        lines.append(f"{found['partial']} without a meta.json: uploads under way, or left behind (deleted after 48h)")
    return lines
