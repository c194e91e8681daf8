import { count, flag, group, numbers, objects, text, texts, words } from './shapes.ts';

/** What looks at the operator from outside. */
export const metricsValues = group('Metrics and health, which are served over plain HTTP at one port.', {
  port: count(8080, { min: 1, max: 65_535 }, 'The port.'),
  service: group('A Service that leads to the metrics of all pods.', {
    create: flag(true, 'Whether to make it.'),
    annotations: texts('Its annotations.'),
  }),
  serviceMonitor: group('For clusters with the Prometheus Operator.', {
    enabled: flag(false, 'Whether to make a ServiceMonitor.'),
    namespace: text('', 'Its namespace. Default: that of the release.'),
    labels: texts('Labels by which a Prometheus selects it.'),
    interval: text('30s', 'How often to scrape.'),
    relabelings: objects('What becomes of labels before scraping.'),
    metricRelabelings: objects('What becomes of samples before they are stored.'),
  }),
  prometheusRule: group('The alerts, for clusters with the Prometheus Operator.', {
    enabled: flag(false, 'Whether to make a PrometheusRule.'),
    namespace: text('', 'Its namespace. Default: that of the release.'),
    labels: texts('Labels by which a Prometheus selects it.'),
  }),
  dashboard: group('The Grafana dashboard, in a ConfigMap for the sidecar that Grafana has in its own chart.', {
    enabled: flag(false, 'Whether to make the ConfigMap.'),
    namespace: text('', 'Its namespace. Default: that of the release.'),
    labels: texts('Labels by which the sidecar finds it. Default: grafana_dashboard: "1".'),
    annotations: texts('Its annotations, such as the folder.'),
  }),
});

export const networkPolicyValues = group('Who may connect to the pods, and to whom they may.', {
  enabled: flag(true, 'Whether to make a NetworkPolicy. It lets nobody in but to the port of metrics and health.'),
  metricsFrom: objects(
    'Who may connect there, as in a NetworkPolicy: namespaceSelector, podSelector. Default: everybody.',
  ),
  restrictEgress: flag(
    false,
    'Whether to let the pods out to nothing but name servers, the API server, and public addresses: where the provider is, and where readiness probes go. Say in apiServer.cidrs where the API server is: else its ports are open at private addresses, too.',
  ),
  dnsPorts: numbers(
    [53, 5353],
    'Ports of name servers at any address, for restrictEgress: of the Service, and of the pods behind it. 5353 is that of OpenShift.',
  ),
  apiServer: group('Where the API server is, for restrictEgress.', {
    cidrs: words(
      [],
      'Its addresses, such as 10.0.0.1/32: of its own, not of the Service. Default: any address, also of the cluster and its networks, but those where clouds tell secrets.',
    ),
    ports: numbers([443, 6443, 8443], 'Its ports: of its own, not of the Service.'),
  }),
  extraEgress: objects('Further egress rules, for restrictEgress: such as a proxy.'),
});
