import { processRows } from './dashboard-process-rows.ts';
import type { Panel, Row } from './dashboard-queries.ts';
import { userRows } from './dashboard-rows.ts';

/** Grafana's grid is so wide; three panels stand side by side. */
const width = 24;
const panel = { w: 8, h: 7 } as const;

const datasource = { type: 'prometheus', uid: '${datasource}' };

/** files/dashboard.json of the chart: what Grafana takes as a dashboard. */
export function dashboardFile(): string {
  const dashboard = {
    ...{ uid: 'gpuvm-operator', title: 'gpuvm-operator', tags: ['gpuvm', 'kubernetes'] },
    description: 'GPU VMs as Kubernetes resources: what they cost, how they fare, and how the operator does.',
    ...{ schemaVersion: 39, version: 1, editable: true, graphTooltip: 1, refresh: '30s' },
    ...{ time: { from: 'now-6h', to: 'now' }, timezone: '', annotations: { list: [] }, links: [] },
    templating: {
      list: [datasourceVariable, variable('account', 'gpuvm_unmanaged_vms'), variable('namespace', 'gpuvm_vms')],
    },
    panels: panelsOf([...userRows, ...processRows]),
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

const datasourceVariable = { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' };

/** Chosen among the values that a label of a metric has. */
function variable(label: string, metric: string): object {
  const query = `label_values(${metric}, ${label})`;
  return {
    ...{ name: label, type: 'query', datasource, definition: query, query: { query, refId: label } },
    ...{ refresh: 2, sort: 1, multi: true, includeAll: true, allValue: '.*' },
    current: { selected: true, text: ['All'], value: ['$__all'] },
  };
}

function panelsOf(rows: readonly Row[]): object[] {
  const all: object[] = [];
  let y = 0;
  for (const { title, panels } of rows) {
    all.push({
      id: all.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: width, h: 1 },
      panels: [],
    });
    y += 1;
    for (const [index, one] of panels.entries()) {
      const x = (index * panel.w) % width;
      all.push(panelAt(one, all.length + 1, { ...panel, x, y: y + panel.h * Math.floor((index * panel.w) / width) }));
    }
    y += panel.h * Math.ceil((panels.length * panel.w) / width);
  }
  return all;
}

function panelAt({ title, description, unit, queries, stacked = false }: Panel, id: number, gridPos: object): object {
  const custom = {
    fillOpacity: stacked ? 30 : 0,
    showPoints: 'never',
    stacking: { mode: stacked ? 'normal' : 'none' },
  };
  return {
    ...{ id, type: 'timeseries', title, description, gridPos, datasource },
    fieldConfig: { defaults: { unit, min: 0, custom }, overrides: [] },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    targets: queries.map(({ expr, legend }, at) => ({
      ...{ refId: String.fromCharCode('A'.charCodeAt(0) + at), datasource, expr, legendFormat: legend, range: true },
    })),
  };
}
