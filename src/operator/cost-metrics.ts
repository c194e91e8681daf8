import type { CostMeter } from '../controllers/spending/cost-meter.ts';
import { costLabelName } from '../telemetry/cost-labels.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** What was counted is read at each scrape. */
export function collectCosts(metrics: Metrics, costs: Pick<CostMeter, 'read'>, labels: readonly string[]): void {
  const names = labels.map(costLabelName);
  metrics.onCollect(() => {
    metrics.cost.reset();
    for (const { kind, namespace, labels: values, dollars } of costs.read()) {
      const chosen = Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']));
      metrics.cost.inc({ kind, namespace, ...chosen }, Number(dollars.toFixed()));
    }
  });
}
