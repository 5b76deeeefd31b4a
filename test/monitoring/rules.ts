// The rules of manifests/monitoring as Prometheus itself reads them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

export interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string }
}

export interface RuleGroup {
  readonly name: string
  readonly rules: readonly Rule[]
}

const file = join(import.meta.dirname, '../../manifests/monitoring/rules.yaml')

export function readRuleGroups(): readonly RuleGroup[] {
  const { spec } = parse(readFileSync(file, 'utf8')) as { readonly spec: { readonly groups: readonly RuleGroup[] } }
  return spec.groups
}
