# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Series selectors: what is read, what is refused, and that real servers' /federate says the same."""

from __future__ import annotations

import urllib.error
import urllib.parse
from pathlib import Path

import pytest
from ansible_collections.baremetal.prometheus_ha.plugins.module_utils._errors import HAError
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._promql_selector import Matcher, parse_selector
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils._selector_reach import check_regexes
from ansible_collections.baremetal.prometheus_ha.tests.unit import support_config

GOOD: dict[str, list[tuple[str, str, str]]] = {
    "up": [("__name__", "=", "up")],
    "job:up:sum": [("__name__", "=", "job:up:sum")],
    ":": [("__name__", "=", ":")],
    "_": [("__name__", "=", "_")],
    "{}": [],
    "up{}": [("__name__", "=", "up")],
    '{job=~".*"}': [("job", "=~", ".*")],
    '{__name__!=""}': [("__name__", "!=", "")],
    'up{job="a",}': [("__name__", "=", "up"), ("job", "=", "a")],
    '{job = "a" , b !~ "c"}': [("job", "=", "a"), ("b", "!~", "c")],
    '{__name__="a",__name__="b"}': [("__name__", "=", "a"), ("__name__", "=", "b")],
    '{"my.metric","a.b"="c"}': [("__name__", "=", "my.metric"), ("a.b", "=", "c")],
    '{job="a","up"}': [("job", "=", "a"), ("__name__", "=", "up")],
    "{'up'}": [("__name__", "=", "up")],
    '{"a"=~"b",}': [("a", "=~", "b")],
    "{job='a'}": [("job", "=", "a")],
    r"{job=`a\d`}": [("job", "=", r"a\d")],
    "{job=`a\nb`}": [("job", "=", "a\nb")],
    r'{job="a\nb\\c\"d"}': [("job", "=", 'a\nb\\c"d')],
    r"{job='\''}": [("job", "=", "'")],
    r'{job="\x41\101\u00e9\U0001F600\xc3\xa9"}': [("job", "=", "AA\u00e9\U0001f600\u00e9")],
    r'{job="\xff"}': [("job", "=", "\udcff")],
    r'{job="\000"}': [("job", "=", "\0")],
    '{a="\u2028"}': [("a", "=", "\u2028")],
    '{if="a",sum="b",on="c",nan="d"}': [("if", "=", "a"), ("sum", "=", "b"), ("on", "=", "c"), ("nan", "=", "d")],
    'sum{a="b"}': [("__name__", "=", "sum"), ("a", "=", "b")],
    "offset": [("__name__", "=", "offset")],
    "and": [("__name__", "=", "and")],
    "by": [("__name__", "=", "by")],
    "\tup\n": [("__name__", "=", "up")],
    "# comment\nup # more": [("__name__", "=", "up")],
    '{ # comment\r job="a" # more\n}': [("job", "=", "a")],
    '{__name__=~"(?i)a"}': [("__name__", "=~", "(?i)a")],
    '{job="("}': [("job", "=", "(")],
}

BAD: dict[str, str] = {
    "{job!~prometheus}": "at character 7, a value in quotes is expected",
    '{job="a",,}': "at character 10, a label's name is expected",
    '{,job="a"}': "at character 2, a label's name is expected",
    '{job="a" b="c"}': "at character 10, a , or } is expected",
    "{a}": "at character 3, one of = != =~ !~ is expected",
    '{"a"=}': "at character 6, a value in quotes is expected",
    '{"a" "b"}': "at character 6, a , or } is expected",
    '{job == "a"}': "at character 7, a value in quotes is expected",
    '{job= ~"a"}': "at character 7, a value in quotes is expected",
    '{job! ="a"}': "at character 5, one of = != =~ !~ is expected",
    '{a<"b"}': "at character 3, one of",
    "up{a=1}": "at character 6, a value in quotes",
    '{1a="b"}': "at character 2, a label's name",
    '{a.b="c"}': "at character 3, one of",
    '{a:b="c"}': "at character 3, one of",
    "a.b": "at character 2, nothing may follow",
    "\u00e9": "a metric's name or a { is expected",
    "5a": "a metric's name or a { is expected",
    '"up"': "a metric's name or a { is expected",
    "": "at character 1, a metric's name",
    " ": "a metric's name",
    "# only": "a metric's name",
    "\u00a0up": "a metric's name",
    "\fup": "a metric's name",
    "up offset 5m": "at character 4, nothing may follow the selector, and 'o' does",
    "up[5m]": "nothing may follow the selector, and '[' does",
    "up @ 1": "nothing may follow",
    "sum(up)": "nothing may follow",
    "(up)": "a metric's name",
    "up up": "nothing may follow",
    "up,": "nothing may follow",
    "up}": "nothing may follow",
    '{job="a"}{b="c"}': "nothing may follow",
    'job="a"}': "nothing may follow",
    '{{a="b"}}': "a label's name",
    '{job="a"': "at character 9, a , or } is expected",
    '{job="a}': 'at character 6, the quote " is not closed',
    '{job="a\nb"}': 'the quote " is not closed',
    "{job=`a}": "the quote ` is not closed",
    r'{job="\d"}': r"'\\d' begins no escape",
    '{job="\\\'"}': "begins no escape",
    r'{job="\777"}': "begins no escape",
    r'{job="\0"}': "begins no escape",
    r'{job="\ud800"}': "begins no escape",
    r'{job="\U00110000"}': "begins no escape",
    '{a="\ufffd"}': "no Unicode text",
    "on": "on is a word of PromQL and no metric",
    "NaN": "is a word of PromQL",
    "Group_Left": "is a word of PromQL",
    "atan2": "is a word of PromQL",
    "bool{}": "is a word of PromQL",
    '{job=~"("}': "",
    '{job=~"a{1001}"}': "",
    '{job=~"(?=a)"}': "",
}


@pytest.mark.parametrize("text", GOOD)
def test_read(text: str) -> None:
    found = parse_selector(text)
    assert found == tuple(Matcher(*each) for each in GOOD[text])
    check_regexes(found)


@pytest.mark.parametrize("text", BAD)
def test_refused(text: str) -> None:
    with pytest.raises(HAError) as caught:
        check_regexes(parse_selector(text))
    assert BAD[text] in caught.value.what


@pytest.mark.parametrize("version", support_config.PROMETHEUS)
def test_prometheus_says_the_same(version: str, tmp_path: Path) -> None:
    config = tmp_path / "etc" / "prometheus.yml"
    config.parent.mkdir()
    config.write_text("{}", encoding="utf-8")
    with support_config.prometheus(version, config) as running:
        served = {text for text in [*GOOD, *BAD] if _served(running, text)}
    assert served == set(GOOD)


def _served(running: support_config.Running, text: str) -> bool:
    try:
        running.get(f"/federate?{urllib.parse.urlencode({'match[]': text})}")
    except urllib.error.HTTPError as refusal:
        assert refusal.code == 400
        return False
    return True
