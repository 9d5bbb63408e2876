# Copyright: (c) 2026, the baremetal.prometheus_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which command-line flags a component has, by version: data alone, read by ``_flags``.

Prometheus and Alertmanager: read from ``cmd/*/main.go`` of the release tags, one of every minor version, hidden flags
included, and compared with the ``--help`` of prometheus 2.53.3 and 3.5.3 and of alertmanager 0.28.1 and 0.33.1.
Thanos: the ``--help`` of each command as the release tags record it in ``docs/components``, which leaves hidden flags
out, plus the removals that the changelog names (``--rule --metadata --exemplar`` in 0.38,
``--debug.advertise-compatibility-label`` in 0.42).
"""

from __future__ import annotations

import typing as t


class Row(t.NamedTuple):
    """Flags that appeared and went together.

    :param kind: ``switch`` (``--x``, ``--no-x``), ``value`` (``--x=...``) or ``repeated`` (more than once).
    :param names: the flags, without dashes, separated by blanks.
    :param since: the first minor version that has them, as in ``3.0``; empty: the first one recorded has them.
    :param until: the first minor version without them; empty: the last one recorded has them.
    """

    kind: str
    names: str
    since: str = ""
    until: str = ""


class Table(t.NamedTuple):
    """The flags of one component.

    :param first: the first minor version read.
    :param last: the last minor version read; every one between was read too.
    :param hidden: whether flags that ``--help`` does not show are in the rows, so that a name not here is no flag.
    """

    first: str
    last: str
    hidden: bool
    rows: tuple[Row, ...]


# All commands of Thanos.
_THANOS_ALL = (
    Row("switch", "enable-auto-gomemlimit"),
    Row(
        "value",
        "auto-gomemlimit.ratio http-address http-grace-period http.config log.format log.level tracing.config "
        "tracing.config-file",
    ),
)

# Those that answer the Store API.
_THANOS_GRPC = (
    Row(
        "value",
        "grpc-address grpc-grace-period grpc-server-max-connection-age grpc-server-tls-cert "
        "grpc-server-tls-client-ca grpc-server-tls-key grpc-server-tls-min-version request.logging-config "
        "request.logging-config-file store.limits.request-samples store.limits.request-series",
    ),
    Row("repeated", "grpc-server-tls-ciphers grpc-server-tls-curves", since="0.42"),
)

_PROMETHEUS = Table(
    "2.53",
    "3.15",
    True,
    (
        Row("value", "web.listen-address", until="2.55"),
        Row("switch", "storage.tsdb.allow-overlapping-blocks", until="3.0"),
        Row("value", "alertmanager.timeout storage.tsdb.retention", until="3.0"),
        Row("repeated", "enable-feature"),
        Row(
            "switch",
            "scrape.adjust-timestamps storage.agent.no-lockfile storage.agent.wal-compression "
            "storage.tsdb.no-lockfile storage.tsdb.wal-compression web.enable-admin-api web.enable-lifecycle "
            "web.enable-remote-write-receiver",
        ),
        Row(
            "value",
            "alertmanager.notification-queue-capacity auto-gomemlimit.ratio config.file log.format log.level "
            "query.lookback-delta query.max-concurrency query.max-samples query.timeout rules.alert.for-grace-period "
            "rules.alert.for-outage-tolerance rules.alert.resend-delay rules.max-concurrent-evals "
            "scrape.discovery-reload-interval scrape.timestamp-tolerance storage.agent.path "
            "storage.agent.retention.max-time storage.agent.retention.min-time storage.agent.wal-compression-type "
            "storage.agent.wal-segment-size storage.agent.wal-truncate-frequency storage.remote.flush-deadline "
            "storage.remote.read-concurrent-limit storage.remote.read-max-bytes-in-frame "
            "storage.remote.read-sample-limit storage.tsdb.head-chunks-write-queue-size "
            "storage.tsdb.max-block-chunk-segment-size storage.tsdb.max-block-duration "
            "storage.tsdb.min-block-duration storage.tsdb.path storage.tsdb.retention.size "
            "storage.tsdb.retention.time storage.tsdb.samples-per-chunk storage.tsdb.wal-compression-type "
            "storage.tsdb.wal-segment-size web.config.file web.console.libraries web.console.templates "
            "web.cors.origin web.external-url web.max-connections web.page-title web.read-timeout web.route-prefix "
            "web.user-assets",
        ),
        Row("repeated", "web.remote-write-receiver.accepted-protobuf-messages", since="2.54"),
        Row("switch", "alertmanager.drain-notification-queue-on-shutdown", since="2.54"),
        Row("value", "scrape.name-escaping-scheme", since="2.55", until="3.0"),
        Row("repeated", "web.listen-address", since="2.55"),
        Row("switch", "storage.tsdb.allow-overlapping-compaction", since="2.55"),
        Row("switch", "agent auto-gomaxprocs auto-gomemlimit web.enable-otlp-receiver", since="3.0"),
        Row(
            "value",
            "config.auto-reload-interval storage.tsdb.delayed-compaction.max-percent web.max-notifications-subscribers",
            since="3.0",
        ),
        Row("value", "alertmanager.notification-batch-size", since="3.4"),
        Row("value", "storage.tsdb.block-reload-interval storage.tsdb.delay-compact-file.path", since="3.9"),
        Row("switch", "config.auto-reload storage.agent.checkpoint-from-in-memory-series", since="3.12"),
        Row("value", "storage.agent.checkpoint-batch-size", since="3.12"),
        Row("value", "web.search.max-limit", since="3.13"),
        Row("value", "auto-gomemlimit.refresh-interval", since="3.15"),
    ),
)

_ALERTMANAGER = Table(
    "0.27",
    "0.34",
    True,
    (
        Row("repeated", "cluster.peer web.listen-address"),
        Row("switch", "cluster.allow-insecure-public-advertise-address-discovery web.systemd-socket"),
        Row(
            "value",
            "alerts.gc-interval cluster.advertise-address cluster.gossip-interval cluster.label "
            "cluster.listen-address cluster.peer-timeout cluster.probe-interval cluster.probe-timeout "
            "cluster.pushpull-interval cluster.reconnect-interval cluster.reconnect-timeout cluster.settle-timeout "
            "cluster.tcp-timeout cluster.tls-config config.file data.maintenance-interval data.retention "
            "enable-feature log.format log.level storage.path web.config.file web.external-url web.get-concurrency "
            "web.route-prefix web.timeout",
        ),
        Row("value", "auto-gomemlimit.ratio silences.max-silence-size-bytes silences.max-silences", since="0.28"),
        Row("value", "dispatch.maintenance-interval", since="0.29"),
        Row("value", "cluster.peer-name cluster.peers-resolve-timeout dispatch.start-delay", since="0.30"),
        Row("value", "alerts.per-alertname-limit", since="0.31"),
        Row("switch", "log.silences", since="0.32"),
        Row("value", "web.cors.origin", since="0.34"),
    ),
)

_THANOS_SIDECAR = Table(
    "0.37",
    "0.42",
    False,
    (
        *_THANOS_ALL,
        *_THANOS_GRPC,
        Row("repeated", "reloader.rule-dir"),
        Row("switch", "shipper.upload-compacted"),
        Row(
            "value",
            "hash-func min-time objstore.config objstore.config-file prometheus.get_config_interval "
            "prometheus.get_config_timeout prometheus.http-client prometheus.http-client-file "
            "prometheus.ready_timeout prometheus.url reloader.config-envsubst-file reloader.config-file "
            "reloader.method reloader.process-name reloader.retry-interval reloader.watch-interval "
            "shipper.meta-file-name tsdb.path",
        ),
        Row("value", "shipper.upload-concurrency", since="0.41"),
    ),
)

_THANOS_QUERY = Table(
    "0.37",
    "0.42",
    False,
    (
        *_THANOS_ALL,
        *_THANOS_GRPC,
        Row("repeated", "exemplar metadata rule store store-strict", until="0.38"),
        Row(
            "repeated",
            "endpoint endpoint-group endpoint-group-strict endpoint-strict query.conn-metric.label "
            "query.partition-label query.replica-label query.telemetry.request-duration-seconds-quantiles "
            "query.telemetry.request-samples-quantiles query.telemetry.request-series-seconds-quantiles "
            "selector-label store.sd-files",
        ),
        Row(
            "switch",
            "grpc-client-tls-secure grpc-client-tls-skip-verify query.auto-downsampling query.enable-x-functions "
            "query.enforce-tenancy query.partial-response web.disable-cors",
        ),
        Row(
            "value",
            "alert.query-url grpc-client-server-name grpc-client-tls-ca grpc-client-tls-cert grpc-client-tls-key "
            "grpc-compression query.active-query-path query.default-evaluation-interval query.default-step "
            "query.default-tenant-id query.lookback-delta query.max-concurrent query.max-concurrent-select "
            "query.metadata.default-time-range query.mode query.promql-engine query.tenant-certificate-field "
            "query.tenant-header query.tenant-label-name query.timeout selector.relabel-config "
            "selector.relabel-config-file store.response-timeout store.sd-dns-interval store.sd-interval "
            "store.unhealthy-timeout web.external-prefix web.prefix-header web.route-prefix",
        ),
        Row(
            "value",
            "deduplication.func endpoint.sd-config endpoint.sd-config-file endpoint.sd-config-reload-interval",
            since="0.38",
        ),
        Row("repeated", "enable-feature", since="0.39"),
        Row("value", "grpc-client-tls-min-version", since="0.42"),
    ),
)

_THANOS_QUERY_FRONTEND = Table(
    "0.37",
    "0.42",
    False,
    (
        *_THANOS_ALL,
        Row("repeated", "query-frontend.forward-header query-frontend.org-id-header"),
        Row(
            "switch",
            "labels.partial-response query-frontend.compress-responses query-frontend.enable-x-functions "
            "query-frontend.force-query-stats query-range.align-range-with-step query-range.partial-response "
            "query-range.request-downsampled web.disable-cors",
        ),
        Row(
            "value",
            "cache-compression-type labels.default-time-range labels.max-query-parallelism "
            "labels.max-retries-per-request labels.response-cache-config labels.response-cache-config-file "
            "labels.response-cache-max-freshness labels.split-interval query-frontend.downstream-tripper-config "
            "query-frontend.downstream-tripper-config-file query-frontend.downstream-url "
            "query-frontend.log-queries-longer-than query-frontend.slow-query-logs-user-header "
            "query-frontend.vertical-shards query-range.horizontal-shards query-range.max-query-length "
            "query-range.max-query-parallelism query-range.max-retries-per-request query-range.max-split-interval "
            "query-range.min-split-interval query-range.response-cache-config query-range.response-cache-config-file "
            "query-range.response-cache-max-freshness query-range.split-interval request.logging-config "
            "request.logging-config-file",
        ),
        Row("repeated", "enable-feature", since="0.39"),
        Row("value", "query.max-retries-per-request", since="0.42"),
    ),
)

_THANOS_STORE = Table(
    "0.37",
    "0.42",
    False,
    (
        *_THANOS_ALL,
        *_THANOS_GRPC,
        Row("switch", "debug.advertise-compatibility-label", until="0.42"),
        Row(
            "switch",
            "cache-index-header store.enable-index-header-lazy-reader store.enable-lazy-expanded-postings web.disable "
            "web.disable-cors",
        ),
        Row(
            "value",
            "block-discovery-strategy block-meta-fetch-concurrency block-sync-concurrency bucket-web-label "
            "chunk-pool-size consistency-delay data-dir ignore-deletion-marks-delay index-cache-size "
            "index-cache.config index-cache.config-file max-time min-time objstore.config objstore.config-file "
            "selector.relabel-config selector.relabel-config-file store.grpc.downloaded-bytes-limit "
            "store.grpc.series-max-concurrency store.grpc.series-sample-limit store.grpc.touched-series-limit "
            "store.index-header-lazy-download-strategy sync-block-duration web.external-prefix web.prefix-header",
        ),
        Row("value", "matcher-cache-size store.posting-group-max-key-series-ratio", since="0.38"),
        Row("switch", "disable-admin-operations", since="0.39"),
        Row("value", "objstore-parquet.config objstore-parquet.config-file", since="0.42"),
    ),
)

_THANOS_COMPACT = Table(
    "0.37",
    "0.42",
    False,
    (
        *_THANOS_ALL,
        Row("repeated", "deduplication.replica-label"),
        Row("switch", "disable-admin-operations downsampling.disable wait web.disable web.disable-cors"),
        Row(
            "value",
            "block-discovery-strategy block-files-concurrency block-meta-fetch-concurrency "
            "block-viewer.global.sync-block-interval block-viewer.global.sync-block-timeout bucket-web-label "
            "compact.blocks-fetch-concurrency compact.cleanup-interval compact.concurrency compact.progress-interval "
            "consistency-delay data-dir deduplication.func delete-delay downsample.concurrency hash-func max-time "
            "min-time objstore.config objstore.config-file retention.resolution-1h retention.resolution-5m "
            "retention.resolution-raw selector.relabel-config selector.relabel-config-file wait-interval "
            "web.external-prefix web.prefix-header web.route-prefix",
        ),
    ),
)

_THANOS_RULE = Table(
    "0.37",
    "0.42",
    False,
    (
        *_THANOS_ALL,
        *_THANOS_GRPC,
        Row(
            "repeated",
            "alert.label-drop alertmanagers.url grpc-query-endpoint label query query.sd-files restore-ignored-label "
            "rule-file",
        ),
        Row(
            "switch",
            "query.enable-x-functions shipper.upload-compacted tsdb.no-lockfile tsdb.wal-compression web.disable-cors",
        ),
        Row(
            "value",
            "alert.query-template alert.query-url alert.relabel-config alert.relabel-config-file alertmanagers.config "
            "alertmanagers.config-file alertmanagers.sd-dns-interval alertmanagers.send-timeout data-dir "
            "eval-interval for-grace-period for-outage-tolerance hash-func objstore.config objstore.config-file "
            "query.config query.config-file query.default-step query.http-method query.sd-dns-interval "
            "query.sd-interval remote-write.config remote-write.config-file resend-delay rule-concurrent-evaluation "
            "shipper.meta-file-name tsdb.block-duration tsdb.retention web.external-prefix web.prefix-header "
            "web.route-prefix",
        ),
        Row("value", "rule-query-offset", since="0.38"),
        Row("repeated", "enable-feature", since="0.39"),
        Row("switch", "tsdb.enable-native-histograms", since="0.40"),
        Row("value", "shipper.upload-concurrency", since="0.41"),
    ),
)

_THANOS_RECEIVE = Table(
    "0.37",
    "0.42",
    False,
    (
        *_THANOS_ALL,
        *_THANOS_GRPC,
        Row("repeated", "enable-feature label"),
        Row(
            "switch",
            "remote-write.client-tls-secure remote-write.client-tls-skip-verify tsdb.allow-overlapping-blocks "
            "tsdb.no-lockfile tsdb.wal-compression",
        ),
        Row(
            "value",
            "hash-func objstore.config objstore.config-file receive.capnproto-address receive.default-tenant-id "
            "receive.forward.async-workers receive.grpc-compression receive.hashrings receive.hashrings-algorithm "
            "receive.hashrings-file receive.hashrings-file-refresh-interval receive.local-endpoint "
            "receive.relabel-config receive.relabel-config-file receive.replica-header receive.replication-factor "
            "receive.replication-protocol receive.split-tenant-label-name receive.tenant-certificate-field "
            "receive.tenant-header receive.tenant-label-name remote-write.address remote-write.client-server-name "
            "remote-write.client-tls-ca remote-write.client-tls-cert remote-write.client-tls-key "
            "remote-write.server-tls-cert remote-write.server-tls-client-ca remote-write.server-tls-key "
            "remote-write.server-tls-min-version tsdb.max-exemplars tsdb.max-retention-bytes tsdb.path tsdb.retention "
            "tsdb.too-far-in-future.time-window",
        ),
        Row("repeated", "receive.otlp-promote-resource-attributes", since="0.38"),
        Row("switch", "receive.otlp-enable-target-info", since="0.38"),
        Row(
            "value",
            "matcher-cache-size receive.grpc-service-config tsdb.block.expanded-postings-cache-size "
            "tsdb.head.expanded-postings-cache-size tsdb.out-of-order.cap-max tsdb.out-of-order.time-window",
            since="0.38",
        ),
        Row("switch", "tsdb.enable-native-histograms", since="0.39"),
        Row("value", "receive.lazy-retrieval-max-buffered-responses", since="0.39"),
        Row("value", "shipper.upload-concurrency", since="0.41"),
        Row("repeated", "remote-write.server-tls-ciphers remote-write.server-tls-curves", since="0.42"),
        Row("value", "remote-write.client-tls-min-version", since="0.42"),
    ),
)

TABLES: dict[str, Table] = {
    "prometheus": _PROMETHEUS,
    "alertmanager": _ALERTMANAGER,
    "thanos_sidecar": _THANOS_SIDECAR,
    "thanos_query": _THANOS_QUERY,
    "thanos_query_frontend": _THANOS_QUERY_FRONTEND,
    "thanos_store": _THANOS_STORE,
    "thanos_compact": _THANOS_COMPACT,
    "thanos_rule": _THANOS_RULE,
    "thanos_receive": _THANOS_RECEIVE,
}

# What to do about a removed flag: Prometheus' migration guide to 3.0, the flags' own help in 2.53, Thanos' changelog.
INSTEAD: dict[tuple[str, str], str] = {
    ("prometheus", "storage.tsdb.retention"): "use --storage.tsdb.retention.time",
    ("prometheus", "storage.tsdb.allow-overlapping-blocks"): "leave it out, it had no effect any more",
    ("prometheus", "alertmanager.timeout"): "leave it out, it had no effect any more",
    ("thanos_query", "store"): "use --endpoint or --endpoint.sd-config-file",
    ("thanos_query", "store-strict"): "use --endpoint-strict",
    ("thanos_query", "rule"): "use --endpoint or --endpoint.sd-config-file",
    ("thanos_query", "metadata"): "use --endpoint or --endpoint.sd-config-file",
    ("thanos_query", "exemplar"): "use --endpoint or --endpoint.sd-config-file",
}

# Values of --enable-feature that became flags: (component, feature) -> (first version without it, the flag). Prometheus
# 3.0 only warns about an unknown feature: with `agent` it would run as a server (main.go of 2.55 and 3.0).
FEATURES: dict[tuple[str, str], tuple[str, str]] = {
    ("prometheus", "agent"): ("3.0", "agent"),
}
