{{- /* Whether TLS and a token are asked for, as the agent wants it beyond loopback. */ -}}
{{- define "wrongdoor.isGuarded" -}}
{{- if and .Values.http.tls.secretName .Values.http.token.secretName }}true{{ end -}}
{{- end -}}

{{- /* Whether others may ask without. In the node's network this has to be said. */ -}}
{{- define "wrongdoor.isPlain" -}}
{{- $allowed := .Values.http.allowPlain -}}
{{- if kindIs "invalid" $allowed }}{{ $allowed = eq .Values.mode "ebpf" }}{{ end -}}
{{- if and $allowed (not (include "wrongdoor.isGuarded" .)) }}true{{ end -}}
{{- end -}}

{{- /* Whether others than the node itself are answered. */ -}}
{{- define "wrongdoor.isOpen" -}}
{{- if or (include "wrongdoor.isGuarded" .) (include "wrongdoor.isPlain" .) }}true{{ end -}}
{{- end -}}

{{- define "wrongdoor.listen" -}}
{{- $address := ternary .Values.http.address "127.0.0.1" (eq (include "wrongdoor.isOpen" .) "true") -}}
{{ printf "%s:%d" $address (int .Values.http.port) }}
{{- end -}}

{{- /* What no agent could do, told before it is installed. */ -}}
{{- define "wrongdoor.check" -}}
{{- if not (include "wrongdoor.isOpen" .) -}}
{{- if eq .Values.mode "ebpf" -}}
{{- fail "http: nobody could reach the pod, not even its probes: give tls.secretName and token.secretName, or allow plain" -}}
{{- end -}}
{{- if or .Values.podMonitor.enabled .Values.serviceMonitor.enabled .Values.service.enabled -}}
{{- fail "http: in mode packets the agent answers on the node's loopback only, where nothing can scrape it: give tls.secretName and token.secretName, or say allowPlain: true where the nodes' network is trusted" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled (not .Values.service.enabled) -}}
{{- fail "serviceMonitor: it needs service.enabled" -}}
{{- end -}}
{{- end -}}

{{- /* How a monitor scrapes; `monitor` is its values. */ -}}
{{- define "wrongdoor.endpoint" -}}
{{- $monitor := .monitor -}}
{{- with .root -}}
port: http
path: /metrics
honorLabels: true
{{- if .Values.http.tls.secretName }}
scheme: https
{{- with $monitor.tlsConfig }}
tlsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- if .Values.http.token.secretName }}
authorization:
  type: Bearer
  credentials:
    name: {{ .Values.http.token.secretName }}
    key: {{ .Values.http.token.key }}
{{- end }}
{{- with $monitor.interval }}
interval: {{ . }}
{{- end }}
{{- with $monitor.scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
relabelings:
  # There is one agent a node: alerts and dashboards name the node, and not an address that ends with the pod.
  - sourceLabels: [__meta_kubernetes_pod_node_name]
    targetLabel: instance
  - sourceLabels: [__meta_kubernetes_pod_node_name]
    targetLabel: node
  {{- with $monitor.relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $monitor.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}
