{{- define "wrongdoor.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "wrongdoor.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $both := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $both .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "wrongdoor.serviceAccount" -}}
{{- $own := ternary (include "wrongdoor.fullname" .) "default" .Values.serviceAccount.create -}}
{{- default $own .Values.serviceAccount.name -}}
{{- end -}}

{{- /* Labels that do not change between versions: selectors are immutable. */ -}}
{{- define "wrongdoor.selector" -}}
app.kubernetes.io/name: {{ include "wrongdoor.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "wrongdoor.labels" -}}
{{- include "wrongdoor.labelsAnd" (dict "root" . "more" dict) -}}
{{- end -}}

{{- /* The labels of an object: commonLabels, overridden by `more`, then by the labels of the chart. Labels of selectors cannot be overridden. */ -}}
{{- define "wrongdoor.labelsAnd" -}}
{{- $more := .more -}}
{{- with .root -}}
{{- $chart := printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" -}}
{{- $own := dict "app.kubernetes.io/version" .Chart.AppVersion "app.kubernetes.io/managed-by" .Release.Service "helm.sh/chart" $chart -}}
{{- toYaml (mergeOverwrite (deepCopy (default dict .Values.commonLabels)) (default dict $more) $own (include "wrongdoor.selector" . | fromYaml)) -}}
{{- end -}}
{{- end -}}

{{- define "wrongdoor.image" -}}
{{- $version := printf ":%s" (default .Chart.AppVersion .Values.image.tag) -}}
{{- with .Values.image.digest }}{{ $version = printf "@%s" . }}{{ end -}}
{{ .Values.image.repository }}{{ $version }}
{{- end -}}
