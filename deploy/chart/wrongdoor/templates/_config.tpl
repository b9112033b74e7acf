{{- /* The agent's configuration: what is given, and what follows from the other values. */ -}}
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
{{- /* Beside probes packets are captured where the nodes' are, and not in the pod's own network. */ -}}
{{- if and (eq .Values.mode "ebpf") (include "wrongdoor.hasCleartext" .) -}}
{{- $_ := set $config "packets" (dict "netns" "/proc/1/ns/net") -}}
{{- end -}}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.config)) -}}
{{- end -}}

{{- define "wrongdoor.hasCleartext" -}}
{{- if dig "packets" "cleartext_ports" list .Values.config }}true{{ end -}}
{{- end -}}
