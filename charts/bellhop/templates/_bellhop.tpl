{{- /* Labels of every object; the argument is the root, or a dict of root and component. */ -}}
{{- define "bellhop.labels" -}}
app.kubernetes.io/name: bellhop
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{ include "bellhop.releaseLabels" .root }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* Labels that Pods have too. None of them is in a selector. */ -}}
{{- define "bellhop.releaseLabels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: bellhop
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- /* What selects the Pods of a component. A selector can't be changed, so neither can this. */ -}}
{{- define "bellhop.selector" -}}
app.kubernetes.io/name: bellhop
app.kubernetes.io/component: {{ . }}
{{- end }}

{{- /* Labels of the Pods of a component. */ -}}
{{- define "bellhop.podLabels" -}}
{{ include "bellhop.selector" .component }}
{{ include "bellhop.releaseLabels" .root }}
{{- with .values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "bellhop.image" -}}
{{- with .root.Values.image.registry }}{{ . | trimSuffix "/" }}/{{ end }}bellhop/{{ .name }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- /* Fields of the Pods of webhook and controller that are no container's. */ -}}
{{- define "bellhop.controlPod" -}}
serviceAccountName: bellhop-{{ .component }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
terminationGracePeriodSeconds: 30
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
tolerations:
  - { key: CriticalAddonsOnly, operator: Exists }
  - { key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule }
  - { key: node-role.kubernetes.io/master, operator: Exists, effect: NoSchedule }
  {{- with .values.tolerations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- if .values.spread }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "bellhop.selector" .component | nindent 8 }}
    # Counted among the Pods of one revision: in a rolling update the old ones do not push the new ones together.
    matchLabelKeys: [pod-template-hash]
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
nodeSelector:
  {{- toYaml (merge (dict "kubernetes.io/os" "linux") .values.nodeSelector) | nindent 2 }}
{{- end }}

{{- /* Fields of the containers of webhook and controller that are the same in both. */ -}}
{{- define "bellhop.controlContainer" -}}
env:
  # Memory is worth more here than the time of a few more collections of what is young.
  - { name: NODE_OPTIONS, value: --max-semi-space-size=4 }
  {{- if eq .component "controller" }}
  - { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
  {{- end }}
livenessProbe:
  httpGet: { path: /healthz, port: metrics }
  periodSeconds: 10
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: metrics }
  periodSeconds: 2
  failureThreshold: 2
resources:
  {{- toYaml .values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- /*
Objects that no value changes, from files that `make generate` copies out of manifests/: each with our labels, and with
`labels` and `annotations` where they are given. The argument: root, glob, labels, annotations.
*/ -}}
{{- define "bellhop.objects" -}}
{{- $root := .root -}}
{{- $annotations := .annotations -}}
{{- $more := .labels | default dict -}}
{{- range $path, $bytes := .root.Files.Glob .glob }}
{{- range $text := splitList "\n---\n" ($root.Files.Get $path) }}
{{- $object := fromYaml $text }}
{{- $component := get ($object.metadata.labels | default dict) "app.kubernetes.io/component" }}
{{- $labels := fromYaml (include "bellhop.labels" (dict "root" $root "component" $component)) }}
{{- $_ := set $object.metadata "labels" (merge $labels $more ($object.metadata.labels | default dict)) }}
{{- with $annotations }}
{{- $_ := set $object.metadata "annotations" (merge . ($object.metadata.annotations | default dict)) }}
{{- end }}
---
{{ toYaml $object }}
{{ end }}
{{- end }}
{{- end }}
