// Which of the programs found on a machine can make one control plane, and which must be built.

export const programNames = ['kube-apiserver', 'kube-controller-manager', 'kube-proxy', 'kubectl', 'etcd'] as const
export type ProgramName = (typeof programNames)[number]
/** Path of each program. */
export type ControlPlane = Readonly<Record<ProgramName, string>>

export interface FoundProgram {
  readonly path: string
  /** Minor version of Kubernetes; of etcd, its own. */
  readonly minor: number
}

/** Oldest Kubernetes that Bellhop supports: 1.32. */
export const oldestMinor = 32
/** Oldest etcd that such an API server is released with: 3.5. */
export const oldestEtcdMinor = 5

const servers = ['kube-apiserver', 'kube-controller-manager', 'kube-proxy'] as const

/**
 * Path by program of what is used as found; what is not in it is to be built, as `builtMinor`. The three servers go
 * together (version skew policy: none of them may be newer than the API server), kubectl is at most one minor away from
 * it.
 */
export function choosePrograms(
  found: ReadonlyMap<ProgramName, FoundProgram>,
  builtMinor: number,
): ReadonlyMap<ProgramName, string> {
  const chosen = new Map<ProgramName, string>()
  const minors = new Set(servers.map((name) => found.get(name)?.minor ?? 0))
  const [minor = 0] = minors
  const serversFound = minors.size === 1 && minor >= oldestMinor
  for (const name of servers) {
    const program = found.get(name)
    if (serversFound && program !== undefined) chosen.set(name, program.path)
  }
  const kubectl = found.get('kubectl')
  const serverMinor = serversFound ? minor : builtMinor
  if (kubectl !== undefined && Math.abs(kubectl.minor - serverMinor) <= 1) chosen.set('kubectl', kubectl.path)
  const etcd = found.get('etcd')
  if (etcd !== undefined && etcd.minor >= oldestEtcdMinor) chosen.set('etcd', etcd.path)
  return chosen
}

/** Minor version in what `--version` (kubectl: `version --client`) prints; undefined when there is none. */
export function readMinor(name: ProgramName, output: string): number | undefined {
  const pattern = name === 'etcd' ? /etcd Version: 3\.(\d+)\./ : /(?:Kubernetes |Client Version: )v1\.(\d+)\./
  const minor = pattern.exec(output)?.[1]
  return minor === undefined ? undefined : Number(minor)
}
