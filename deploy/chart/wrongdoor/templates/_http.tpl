{{- /* Whether TLS and a token are configured. The agent requires both beyond loopback, unless allow_plain is set. */ -}}
{{- define "wrongdoor.isGuarded" -}}
{{- if and .Values.http.tls.secretName .Values.http.token.secretName }}true{{ end -}}
{{- end -}}

{{- /* Whether clients need no TLS and no token. In the network of the node, allowPlain must be set explicitly. */ -}}
{{- define "wrongdoor.isPlain" -}}
{{- $allowed := .Values.http.allowPlain -}}
{{- if kindIs "invalid" $allowed }}{{ $allowed = eq .Values.mode "ebpf" }}{{ end -}}
{{- if and $allowed (not (include "wrongdoor.isGuarded" .)) }}true{{ end -}}
{{- end -}}

{{- /* Whether the agent listens beyond loopback. */ -}}
{{- define "wrongdoor.isOpen" -}}
{{- if or (include "wrongdoor.isGuarded" .) (include "wrongdoor.isPlain" .) }}true{{ end -}}
{{- end -}}

{{- define "wrongdoor.listen" -}}
{{- $address := ternary .Values.http.address "127.0.0.1" (eq (include "wrongdoor.isOpen" .) "true") -}}
{{ printf "%s:%d" $address (int .Values.http.port) }}
{{- end -}}

{{- /* Rejects values with which the agents could not work. */ -}}
{{- define "wrongdoor.check" -}}
{{- if not (include "wrongdoor.isOpen" .) -}}
{{- if eq .Values.mode "ebpf" -}}
{{- fail "http: with allowPlain: false, mode ebpf needs tls.secretName and token.secretName: otherwise the agent listens on loopback of the pod only, and nothing can connect, not even the kubelet probes" -}}
{{- end -}}
{{- if or .Values.podMonitor.enabled .Values.serviceMonitor.enabled .Values.service.enabled -}}
{{- fail "http: in mode packets the agent listens on the node's loopback only, where nothing can scrape it: set tls.secretName and token.secretName, or set allowPlain: true if the network of the nodes is trusted" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled (not .Values.service.enabled) -}}
{{- fail "serviceMonitor.enabled needs service.enabled" -}}
{{- end -}}
{{- end -}}

{{- /* The endpoint of a PodMonitor or ServiceMonitor; `monitor` has its values. */ -}}
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
  # Each node has one agent. So alerts and dashboards show the node name instead of the address of the pod.
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
