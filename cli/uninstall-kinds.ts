// Kinds of objects that an installation consists of, besides those that Bellhop works with.
import { group } from '../src/core/model/names.ts'
import type { Resource } from '../src/io/kube/interface.ts'
import {
  customResourceDefinitions,
  daemonSets,
  deployments,
  mutatingWebhookConfigurations,
  services,
  validatingWebhookConfigurations,
} from '../src/io/kube/resources.ts'

function kind(group: string, version: string, plural: string, kind: string, namespaced: boolean): Resource {
  return { group, version, plural, kind, namespaced }
}

const admission = 'admissionregistration.k8s.io'
const rbac = 'rbac.authorization.k8s.io'
const monitoring = 'monitoring.coreos.com'

/** What stands between the API server and everybody's writes: gone before the programs that answer. */
export const hooks: readonly Resource[] = [mutatingWebhookConfigurations, validatingWebhookConfigurations]

export { customResourceDefinitions as definitions }
export const policies: readonly Resource[] = [
  kind(admission, 'v1', 'validatingadmissionpolicybindings', 'ValidatingAdmissionPolicyBinding', false),
  kind(admission, 'v1', 'validatingadmissionpolicies', 'ValidatingAdmissionPolicy', false),
]

/** What runs. */
export const workloads: readonly Resource[] = [daemonSets, deployments]

/** All the rest; of these those in Bellhop's own namespaces go with them. */
export const remains: readonly Resource[] = [
  kind(monitoring, 'v1', 'servicemonitors', 'ServiceMonitor', true),
  kind(monitoring, 'v1', 'podmonitors', 'PodMonitor', true),
  kind(monitoring, 'v1', 'prometheusrules', 'PrometheusRule', true),
  kind('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget', true),
  kind('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy', true),
  services,
  kind('', 'v1', 'configmaps', 'ConfigMap', true),
  kind(rbac, 'v1', 'rolebindings', 'RoleBinding', true),
  kind(rbac, 'v1', 'roles', 'Role', true),
  kind(rbac, 'v1', 'clusterrolebindings', 'ClusterRoleBinding', false),
  kind(rbac, 'v1', 'clusterroles', 'ClusterRole', false),
  kind('', 'v1', 'serviceaccounts', 'ServiceAccount', true),
  kind('scheduling.k8s.io', 'v1', 'priorityclasses', 'PriorityClass', false),
]

/** Plurals of Bellhop's own kinds; the first three it shares with OpenELB. */
export const sharedPlurals: readonly string[] = ['eips', 'bgpconfs', 'bgppeers']
export const ownPlurals: readonly string[] = ['eipallocations', 'speakers', 'racks']

export function definitionName(plural: string): string {
  return `${plural}.${group}`
}
