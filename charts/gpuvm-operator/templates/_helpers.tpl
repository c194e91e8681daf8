{{- define "gpuvm-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "gpuvm-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "gpuvm-operator.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "gpuvm-operator.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "gpuvm-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "gpuvm-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Never changed: a Deployment refuses another selector. Of (dict "root" $ "component" "operator"). */}}
{{- define "gpuvm-operator.selector" -}}
app.kubernetes.io/name: {{ include "gpuvm-operator.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "gpuvm-operator.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- /* The same for every release of a namespace: two of them, or one beside the plain manifests, must not both lead. */}}
{{- define "gpuvm-operator.leaseName" -}}
gpuvm-operator
{{- end }}

{{- define "gpuvm-operator.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "gpuvm-operator.fullname" .) }}
{{- end }}

{{- /* Flags of a command, as arguments. In JSON, as a large number would otherwise be written with an exponent. */}}
{{- define "gpuvm-operator.flags" -}}
{{- range $name, $value := . }}
{{- if kindIs "bool" $value }}
{{- if $value }}
- --{{ $name }}
{{- end }}
{{- else if kindIs "string" $value }}
- {{ printf "--%s=%s" $name $value | quote }}
{{- else }}
- {{ printf "--%s=%s" $name (toJson $value) | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Where the chart writes to beside its own namespace. Of (list $ .Values.metrics.dashboard). */}}
{{- define "gpuvm-operator.namespaceOf" -}}
{{- $root := index . 0 }}{{ (index . 1).namespace | default $root.Release.Namespace }}
{{- end }}

{{- /* What decides on the way to the provider, for every pod that calls it: authorities, variables, and files that these may name. */}}
{{- define "gpuvm-operator.env" -}}
{{- if or .Values.customCA.configMap .Values.customCA.secret }}
- name: NODE_EXTRA_CA_CERTS
  value: /etc/gpuvm/ca/{{ .Values.customCA.key }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "gpuvm-operator.volumeMounts" -}}
{{- if or .Values.customCA.configMap .Values.customCA.secret }}
- name: custom-ca
  mountPath: /etc/gpuvm/ca
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "gpuvm-operator.volumes" -}}
{{- with .Values.customCA.configMap }}
- name: custom-ca
  configMap:
    name: {{ . }}
{{- end }}
{{- with .Values.customCA.secret }}
- name: custom-ca
  secret:
    secretName: {{ . }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "gpuvm-operator.simulatorUrl" -}}
http://{{ include "gpuvm-operator.fullname" . }}-simulator.{{ .Release.Namespace }}.svc:18080/api/v0
{{- end }}

{{- /* Whether the cluster knows GpuAccounts, or may be taken to: "true" or nothing. */}}
{{- define "gpuvm-operator.knowsAccounts" -}}
{{- if or (not .Values.crds.install) (.Capabilities.APIVersions.Has "gpuvm.dev/v1alpha1/GpuAccount") }}true{{ end }}
{{- end }}
