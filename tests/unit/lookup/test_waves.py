# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is pending, in waves: what the lookup returns, and a play over it."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible_collections.baremetal.prometheus_ha.plugins.lookup import waves as waves_lookup
from ansible_collections.baremetal.prometheus_ha.plugins.plugin_utils import _store

Waves = t.Callable[..., list[list[str]]]


@pytest.fixture
def waves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Waves:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / "tmp" / "run"))
    plugin = waves_lookup.LookupModule()
    plugin._load_name = "baremetal.prometheus_ha.waves"
    options = yaml.safe_load(waves_lookup.DOCUMENTATION)["options"]
    constants.config.initialize_plugin_configuration_definitions("lookup", plugin._load_name, options)
    return lambda *terms, **options: plugin.run(list(terms), {}, **options)


def staged(*hosts: tuple[str, str, str, str]) -> None:
    """Hosts in plan order: name, component, cohort, what is pending."""
    for order, (host, component, cohort, pending) in enumerate(hosts):
        part = {
            "pending": pending,
            "cohorts": [[component, "default", cohort]],
            "order": order,
            "watched": False,
            "reasons": [],
        }
        _store.record_pending(host, {component: part})


def stack(pending: str) -> None:
    staged(
        *((f"eu-{number}", "prometheus", "eu", pending) for number in range(1, 7)),
        ("us-1", "prometheus", "us", pending),
        ("us-2", "prometheus", "us", "none"),
        *((f"am-{number}", "alertmanager", "default", pending) for number in range(1, 10)),
    )


@pytest.mark.parametrize("pending", ["reload", "restart", "remove"])
def test_a_set_of_six_and_a_mesh_of_nine_roll_to_their_ends(waves: Waves, pending: str) -> None:
    stack(pending)
    found = waves("change")
    assert found[0] == ["eu-1", "us-1", "am-1"]
    assert found[1] == ["eu-2", "am-2"]
    assert found[6:] == [["am-7"], ["am-8"], ["am-9"]]
    assert waves("start") == []


def test_a_first_start_is_one_wave(waves: Waves) -> None:
    stack("start")
    assert len(waves("start")) == 1
    assert len(waves("start")[0]) == 16
    assert waves("change") == []


OTHER = ["the binary differs: runs /opt/prometheus_ha/prometheus/2.53.3/bin/prometheus, wanted .../3.5.3/..."]


def change(host: str, pending: str, *reasons: str, watched: bool = False) -> None:
    cohorts = [["prometheus", "default", host[:2]]]
    part = {"pending": pending, "reasons": list(reasons), "cohorts": cohorts, "order": 9, "watched": watched}
    _store.record_pending(host, {"prometheus": part})


@pytest.mark.parametrize(
    "pending, reason, watched, looked_at",
    [
        ("reload", "prometheus.yml differs", True, True),
        ("restart", "argument --x is new", True, True),
        ("remove", "its state is absent", True, False),
        ("none", "", True, False),
        ("restart", "the binary differs: runs /x/3.5.3/bin/prometheus, wanted /x/2.53.3/bin/prometheus", False, True),
        ("restart", "argument --storage.tsdb.retention.size=1TB is new", False, True),
        ("restart", "argument --storage.tsdb.retention.time differs: runs x, wanted y", False, False),
        ("reload", "prometheus.yml differs", False, False),
    ],
)
def test_a_change_that_the_live_preflight_judges(
    waves: Waves, pending: str, reason: str, watched: bool, looked_at: bool
) -> None:
    change("eu-1", pending, reason, watched=watched)
    change("eu-2", "none")
    change("us-1", "none", watched=True)
    assert [sorted(wave) for wave in waves("preflight")] == ([["eu-1", "eu-2"]] if looked_at else [])


def test_what_starts_or_changes_its_release_is_looked_at(waves: Waves) -> None:
    staged(("am-1", "alertmanager", "m", "start"), ("am-2", "alertmanager", "other", "none"))
    for host, pending, reasons in (
        ("eu-1", "restart", OTHER),
        ("us-1", "restart", ["argument --x differs"]),
        ("sg-1", "reload", ["prometheus.yml differs"]),
    ):
        change(host, pending, *reasons)
    assert waves("preflight") == [["am-1", "eu-1"]]
    assert waves("preflight", component="alertmanager") == [["am-1"]]


def test_a_newcomer_is_looked_at_with_those_it_stands_in_for(waves: Waves) -> None:
    staged(
        ("am-1", "alertmanager", "m", "none"),
        ("am-2", "alertmanager", "m", "start"),
        ("am-3", "alertmanager", "other", "none"),
        ("eu-1", "prometheus", "m", "none"),
    )
    assert waves("preflight") == [["am-1", "am-2"]]
    assert waves("start") == [["am-2"]]


def test_the_other_ends_of_a_newcomer_s_ways_are_looked_at(waves: Waves) -> None:
    _store.keep("peers", _store.ALL, {"am-1": ["p-1", "gone"], "p-1": ["am-1", "am-2"], "p-2": ["am-3"]})
    staged(
        ("p-1", "prometheus", "eu", "none"),
        ("p-2", "prometheus", "us", "restart"),
        ("am-1", "alertmanager", "m", "start"),
        ("am-2", "alertmanager", "other", "none"),
        ("am-3", "alertmanager", "third", "none"),
    )
    assert waves("preflight") == [["p-1", "am-1"]]
    assert waves("preflight", component="prometheus") == []


def test_a_rerun_has_nothing_to_look_at(waves: Waves) -> None:
    _store.keep("peers", _store.ALL, {"eu-1": ["am-1"]})
    stack("none")
    assert waves("preflight") == []


def test_a_host_that_came_to_its_end_stops_nothing(waves: Waves) -> None:
    stack("reload")
    _store.record_attempt("eu-3")
    _store.forget_attempt("eu-3")
    assert waves("change")


def test_only_one_component(waves: Waves) -> None:
    stack("reload")
    assert len(waves("change", component="prometheus")) == 6
    assert waves("change", component="alertmanager")[0] == ["am-1"]
    assert waves("change", component="thanos_query") == []


def test_a_host_of_two_components_waits_for_both(waves: Waves) -> None:
    staged(("both", "prometheus", "eu", "reload"), ("eu-2", "prometheus", "eu", "reload"))
    staged(("both", "alertmanager", "m", "restart"), ("am-2", "alertmanager", "m", "restart"))
    assert waves("change") == [["both"], ["eu-2", "am-2"]]


def test_nothing_was_staged(waves: Waves) -> None:
    assert waves("change") == []
    assert waves("start") == []


def test_a_lost_host_stops_everything(waves: Waves) -> None:
    stack("reload")
    _store.record_attempt("eu-3")
    with pytest.raises(AnsibleLookupError, match="eu-3 failed or could not be reached"):
        waves("change")


@pytest.mark.parametrize("terms", [[], ["stop"], ["start", "change"]])
def test_terms(waves: Waves, terms: list[str]) -> None:
    with pytest.raises(AnsibleLookupError, match="takes one of start, change"):
        waves(*terms)
