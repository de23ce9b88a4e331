{{- define "kubedns.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "kubedns.fullname" -}}
{{- $name := include "kubedns.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* Cluster-scoped objects carry the namespace, so that two releases of one name do not meet. */ -}}
{{- define "kubedns.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "kubedns.fullname" .) -}}
{{- end -}}

{{- define "kubedns.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "kubedns.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "kubedns.k8sApp" -}}
{{- if .Values.k8sApp -}}
{{- .Values.k8sApp -}}
{{- else if eq .Values.service.name "kube-dns" -}}
kube-dns
{{- else -}}
{{- include "kubedns.fullname" . -}}
{{- end -}}
{{- end -}}

{{- define "kubedns.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kubedns.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "kubedns.labels" -}}
{{ include "kubedns.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: cluster-dns
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "kubedns.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}
