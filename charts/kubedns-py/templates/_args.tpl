{{- /*
The command line. A key of .Values.dns is a flag in camel case; lists are joined with commas; what is
empty is left to the program's default. The ports and the Service's name are facts of this chart.
*/ -}}
{{- define "kubedns.args" -}}
- serve
- --dns-port=10053
- --healthz-port=8081
- --metrics-port=9153
{{- if not .Values.dns.dnsService }}
- --dns-service={{ .Release.Namespace }}/{{ .Values.service.name }}
{{- end }}
{{- if eq .Values.config.read "watched" }}
- --config-map={{ .Values.config.name }}
- --config-map-namespace={{ .Release.Namespace }}
{{- else }}
- --config-dir=/kube-dns-config
{{- end }}
- --lameduck={{ int .Values.lameduckSeconds }}s
- --logging-format={{ .Values.logging.format }}
- --v={{ int .Values.logging.verbosity }}
{{- range $key, $value := .Values.dns }}
{{- $flag := kebabcase $key }}
{{- if kindIs "slice" $value }}
{{- if $value }}
- {{ printf "--%s=%s" $flag (join "," $value) | quote }}
{{- end }}
{{- else if kindIs "float64" $value }}
- --{{ $flag }}={{ int64 $value }}
{{- else if and (not (kindIs "invalid" $value)) (ne (toString $value) "") }}
- {{ printf "--%s=%v" $flag $value | quote }}
{{- end }}
{{- end }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}
