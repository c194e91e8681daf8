import { escaped } from './crd-templates.ts';

/** templates/user-roles.yaml: the ClusterRoles of deploy/rbac, with the chart's labels beside their own. */
export function userRolesTemplate(roles: readonly string[]): string {
  return [
    '{{- /* Generated from deploy/rbac by `make generate`. Do not edit. */ -}}',
    '{{- if .Values.rbac.userRoles }}',
    ...roles.map((role) => `---\n${withLabels(escaped(role)).trimEnd()}`),
    '{{- end }}',
    '',
  ].join('\n');
}

const include = '    {{- include "gpuvm-operator.labels" $ | nindent 4 }}\n';

/** By its text, so that its comments stay. */
function withLabels(role: string): string {
  if (/^ {2}labels:\n/m.test(role)) return role.replace(/^ {2}labels:\n/m, (line) => line + include);
  return role.replace(/^( {2}name: .*\n)/m, (line) => `${line}  labels:\n${include}`);
}
