/** "label_team": as kube-state-metrics calls a label of an object, so that one query fits both. */
export function costLabelName(label: string): string {
  return `label_${label.replaceAll(/[^a-zA-Z0-9_]/g, '_')}`;
}
