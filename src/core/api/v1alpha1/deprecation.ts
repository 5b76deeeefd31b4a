// The warning that kubectl prints with every use of v1alpha1.

export function deprecationOf(kind: string): string {
  return `network.kubesphere.io/v1alpha1 ${kind} is deprecated: write network.kubesphere.io/v1alpha2, which has fields that v1alpha1 cannot say`
}
