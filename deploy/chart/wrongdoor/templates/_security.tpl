{{- /*
The smallest set that works, as in the documentation of the agent. The names have no CAP_ prefix: the API server rejects
CAP_SYS_ADMIN together with allowPrivilegeEscalation: false, but accepts SYS_ADMIN.
*/ -}}
{{- define "wrongdoor.capabilities" -}}
{{- $set := list "BPF" "NET_RAW" -}}
{{- if eq .Values.mode "ebpf" -}}
{{- $set = list "BPF" "CHECKPOINT_RESTORE" "DAC_READ_SEARCH" "NET_ADMIN" "PERFMON" "SYS_PTRACE" -}}
{{- if .Values.security.sysAdmin }}{{ $set = append $set "SYS_ADMIN" }}{{ end -}}
{{- if include "wrongdoor.hasCleartext" . }}{{ $set = append $set "NET_RAW" }}{{ end -}}
{{- end -}}
{{- toYaml (concat $set .Values.security.extraCapabilities | uniq | sortAlpha) -}}
{{- end -}}

{{- define "wrongdoor.appArmor" -}}
{{- $default := ternary (dict "type" "Unconfined") dict (eq .Values.mode "ebpf") -}}
{{- with default $default .Values.security.appArmorProfile }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{- define "wrongdoor.securityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
# Kubernetes gives capabilities only to root. Root has no other capabilities than those in the list.
runAsUser: 0
runAsGroup: 0
capabilities:
  drop: [ALL]
  add:
    {{- include "wrongdoor.capabilities" . | nindent 4 }}
seccompProfile:
  {{- toYaml .Values.security.seccompProfile | nindent 2 }}
{{- with include "wrongdoor.appArmor" . }}
appArmorProfile:
  {{- . | nindent 2 }}
{{- end }}
{{- with .Values.security.seLinuxOptions }}
seLinuxOptions:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
