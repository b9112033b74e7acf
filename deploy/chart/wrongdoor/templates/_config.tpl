{{- /* The configuration of the agent: options that follow from other values, overridden by .Values.config. */ -}}
{{- define "wrongdoor.config" -}}
{{- $http := dict -}}
{{- if include "wrongdoor.isPlain" . }}{{ $_ := set $http "allow_plain" true }}{{ end -}}
{{- if .Values.http.tls.secretName -}}
{{- $_ := set $http "tls_certificate" "/etc/wrongdoor/tls/tls.crt" -}}
{{- $_ := set $http "tls_key" "/etc/wrongdoor/tls/tls.key" -}}
{{- end -}}
{{- if .Values.http.token.secretName -}}
{{- $_ := set $http "bearer_token" (printf "/etc/wrongdoor/token/%s" .Values.http.token.key) -}}
{{- end -}}
{{- $config := dict "source" .Values.mode "listen" (include "wrongdoor.listen" .) -}}
{{- with $http }}{{ $_ := set $config "http" . }}{{ end -}}
{{- if .Values.kubernetes.enabled }}{{ $_ := set $config "kubernetes" (dict "pods" "auto") }}{{ end -}}
{{- /* In addition to probes, the agent captures packets in the network of the node, not in that of the pod. */ -}}
{{- if and (eq .Values.mode "ebpf") (include "wrongdoor.hasCleartext" .) -}}
{{- $_ := set $config "packets" (dict "netns" "/proc/1/ns/net") -}}
{{- end -}}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.config)) -}}
{{- end -}}

{{- define "wrongdoor.hasCleartext" -}}
{{- if dig "packets" "cleartext_ports" list .Values.config }}true{{ end -}}
{{- end -}}
