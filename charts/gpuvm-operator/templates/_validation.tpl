{{- /* What the schema cannot say of values that belong together. */}}
{{- define "gpuvm-operator.validate" -}}
{{- with .Values.customCA }}
{{- if and .configMap .secret }}
{{- fail "customCA.configMap and customCA.secret are both given: give one of them" }}
{{- end }}
{{- end }}
{{- if and .Values.rbac.create (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) }}
{{- fail "serviceAccount.create is false: say in serviceAccount.name who is to have the rights of the operator" }}
{{- end }}
{{- with .Values.account.credentials }}
{{- if and .existingSecret (or .apiKey .apiToken) }}
{{- fail "account.credentials has an existingSecret and a key of its own: give one of them" }}
{{- end }}
{{- if ne (empty .apiKey) (empty .apiToken) }}
{{- fail "account.credentials.apiKey and account.credentials.apiToken belong together: give both, or none" }}
{{- end }}
{{- if and $.Values.account.create (not .existingSecret) (not .apiKey) (not $.Values.simulator.enabled) }}
{{- fail "account.create needs credentials: name a Secret with api_key and api_token in account.credentials.existingSecret" }}
{{- end }}
{{- end }}
{{- if hasKey .Values.account.spec "credentialsSecretRef" }}
{{- fail "account.spec.credentialsSecretRef is made by the chart: use account.credentials.existingSecret and account.credentials.namespace" }}
{{- end }}
{{- end }}
