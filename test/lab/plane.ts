// The control plane in the master's namespace, kube-proxy and the lab's agent on every node, the Node objects.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import type { ControlPlane } from '../control-plane/build.ts'
import { type ApiAccess, openApi, throughSocket } from './api.ts'
import { type CertificateAuthority, createAuthority, createTokenKeys, kubeconfig } from './certificates.ts'
import type { ProbeAnswer, ProbeRequest } from './node-agent.ts'
import type { Program, Programs } from './process.ts'
import { registerNodes } from './node-objects.ts'
import type { LabFiles } from './record.ts'
import {
  apiServerAddress,
  apiServerPort,
  kubernetesServiceAddress,
  nodeNames,
  type NodeName,
  podsCidr,
  podsCidr6,
  serviceCidr,
  serviceCidr6,
} from './topology.ts'
import { GiveUp, waitFor } from './wait.ts'

export interface PlaneOptions {
  readonly prefix: string
  readonly files: LabFiles
  readonly programs: Programs
  readonly controlPlane: ControlPlane
}

export interface Plane {
  readonly api: ApiAccess
  /** PEM, for the service accounts of Pods. */
  readonly ca: string
  /** Sends an HTTP request from a node, as its kubelet would; resolves with the status, rejects with what went wrong. */
  probe(node: NodeName, request: Omit<ProbeRequest, 'id'>): Promise<number>
}

const server = `https://${apiServerAddress}:${apiServerPort}`

export interface ApiServer {
  readonly authority: CertificateAuthority
  /** Of a file among the keys. */
  readonly path: (name: string) => string
  readonly programs: readonly Program[]
}

/** etcd and the API server in the master's namespace; resolves when they have been started. */
export async function startApiServer({ prefix, files, programs, controlPlane }: PlaneOptions): Promise<ApiServer> {
  const authority = await createAuthority()
  const path = await writeKeys(files, authority)
  const startAt = (program: string, argv: readonly string[]): Promise<Program> =>
    programs.start({ program, role: 'master', namespace: `${prefix}master`, argv })
  const etcd = await startAt('etcd', [
    controlPlane.etcd,
    // Not named etcd: where the program is found by that name too, it takes the folder for itself.
    `--data-dir=${join(files.state, 'store')}`,
    '--listen-client-urls=http://127.0.0.1:2379',
    '--advertise-client-urls=http://127.0.0.1:2379',
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--initial-advertise-peer-urls=http://127.0.0.1:2380',
    '--initial-cluster=default=http://127.0.0.1:2380',
    '--unsafe-no-fsync',
    '--log-level=warn',
  ])
  const apiServer = await startAt('kube-apiserver', [
    controlPlane['kube-apiserver'],
    '--etcd-servers=http://127.0.0.1:2379',
    '--bind-address=0.0.0.0',
    `--secure-port=${apiServerPort}`,
    `--advertise-address=${apiServerAddress}`,
    // The first range's family is the primary one.
    `--service-cluster-ip-range=${serviceCidr},${serviceCidr6}`,
    `--cert-dir=${files.state}`,
    `--tls-cert-file=${path('apiserver.crt')}`,
    `--tls-private-key-file=${path('apiserver.key')}`,
    `--client-ca-file=${path('ca.crt')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-signing-key-file=${path('tokens.key')}`,
    `--service-account-key-file=${path('tokens.pub')}`,
    '--authorization-mode=Node,RBAC',
    // Webhooks are dialled at the endpoints of their Service: the API server needs no kube-proxy for it.
    '--enable-aggregator-routing=true',
    '--allow-privileged=true',
    // As kubeadm has it: nobody resolves the names of nodes here.
    '--kubelet-preferred-address-types=InternalIP,Hostname',
  ])
  return { authority, path, programs: [etcd, apiServer] }
}

/** Resolves when the API server is ready and everything else has been started. */
export async function startPlane(options: PlaneOptions): Promise<Plane> {
  const { prefix, files, programs, controlPlane } = options
  const { authority, path, programs: needed } = await startApiServer(options)
  const socket = join(files.state, 'api.sock')
  const startAt = (role: NodeName, program: string, argv: readonly string[]): Promise<Program> =>
    programs.start({ program, role, namespace: prefix + role, argv })
  const agents = await Promise.all(
    nodeNames.map(async (node) => {
      const forward = node === 'master' ? [socket, apiServerAddress, String(apiServerPort)] : []
      const program = await programs.start({
        program: 'lab-agent',
        role: node,
        namespace: prefix + node,
        argv: [process.execPath, join(import.meta.dirname, 'node-agent.ts'), ...forward],
        stdio: 'pipe',
      })
      return [node, await openAgent(program)] as const
    }),
  )

  const api = openApi(throughSocket({ server, socket, ca: authority.certificate, ...(await adminOf(authority)) }))
  await waitFor('the API server is ready', () => isReady(api, needed), { timeoutMs: 60_000 })

  await startAt('master', 'kube-controller-manager', [
    controlPlane['kube-controller-manager'],
    `--kubeconfig=${path('kube-controller-manager.kubeconfig')}`,
    '--use-service-account-credentials=true',
    `--root-ca-file=${path('ca.crt')}`,
    `--service-account-private-key-file=${path('tokens.key')}`,
    `--cert-dir=${files.state}`,
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
    // The defaults (20 and 30 a second) are for clusters that do not come up in seconds.
    '--kube-api-qps=200',
    '--kube-api-burst=400',
  ])
  // kube-proxy waits for its node's object.
  await registerNodes(api)
  await Promise.all(
    nodeNames.map((node) =>
      startAt(node, 'kube-proxy', [
        controlPlane['kube-proxy'],
        `--kubeconfig=${path('kube-proxy.kubeconfig')}`,
        '--proxy-mode=nftables',
        `--hostname-override=${node}`,
        `--cluster-cidr=${podsCidr},${podsCidr6}`,
        '--healthz-bind-address=127.0.0.1:10256',
        '--metrics-bind-address=127.0.0.1:10249',
        // These limits are the whole machine's, not a namespace's: leave them.
        '--conntrack-max-per-core=0',
        '--conntrack-tcp-timeout-established=0s',
        '--conntrack-tcp-timeout-close-wait=0s',
      ]),
    ),
  )
  const probes = new Map(agents)
  return {
    api,
    ca: authority.certificate,
    probe: (node, request) => probes.get(node)?.(request) ?? Promise.reject(new Error(`no node is named ${node}`)),
  }
}

async function isReady(api: ApiAccess, needed: readonly Program[]): Promise<boolean> {
  const lost = needed.find((program) => program.hasEnded())
  if (lost !== undefined) throw new GiveUp(`${lost.key} has ended: ${lost.lastWords()}`)
  return api.isReady()
}

/** Writes keys, certificates, kubeconfigs and the kubectl wrapper's configuration; answers with their paths by name. */
async function writeKeys(files: LabFiles, authority: CertificateAuthority): Promise<(name: string) => string> {
  const path = (name: string): string => join(files.state, 'keys', name)
  mkdirSync(path(''), { recursive: true, mode: 0o700 })
  const write = (file: string, text: string): void => writeFileSync(file, text, { mode: 0o600 })
  const tokens = createTokenKeys()
  const serving = await authority.signServer(
    'kube-apiserver',
    [apiServerAddress, kubernetesServiceAddress, '127.0.0.1'],
    ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'localhost'],
  )
  write(path('ca.crt'), authority.certificate)
  write(path('apiserver.crt'), serving.certificate)
  write(path('apiserver.key'), serving.key)
  write(path('tokens.key'), tokens.privateKey)
  write(path('tokens.pub'), tokens.publicKey)
  for (const name of ['kube-controller-manager', 'kube-proxy']) {
    const user = `system:${name}`
    const client = await authority.signClient(user)
    write(path(`${name}.kubeconfig`), kubeconfig(server, authority.certificate, user, client))
  }
  const admin = await authority.signClient('lab-admin', ['system:masters'])
  write(files.kubeconfig, kubeconfig(server, authority.certificate, 'lab-admin', admin))
  return path
}

async function adminOf(authority: CertificateAuthority): Promise<{ readonly cert: string; readonly key: string }> {
  const { certificate, key } = await authority.signClient('lab', ['system:masters'])
  return { cert: certificate, key }
}

/** `.lab/kubectl`: works from anywhere on this machine, as root. */
export function writeKubectl(prefix: string, files: LabFiles, kubectl: string): void {
  const script = `#!/bin/sh
# kubectl against the lab: enters the master's network namespace, where the API server is.
[ "$(id -u)" = 0 ] || { echo 'the lab is in network namespaces: run this as root' >&2; exit 1; }
export KUBECONFIG='${files.kubeconfig}' KUBECACHEDIR='${files.state}/kubectl'
exec nsenter --net=/run/netns/${prefix}master -- '${kubectl}' "$@"
`
  writeFileSync(files.kubectl, script)
  chmodSync(files.kubectl, 0o755)
}

type Probe = (request: Omit<ProbeRequest, 'id'>) => Promise<number>

/** Resolves once the agent says that it is ready. */
async function openAgent(program: Program): Promise<Probe> {
  const { stdin, stdout } = program.child
  if (stdin === null || stdout === null) throw new Error(`${program.key} has no pipes`)
  const waiting = new Map<number, PromiseWithResolvers<number>>()
  const ready = Promise.withResolvers<void>()
  let lastId = 0
  createInterface({ input: stdout }).on('line', (line) => {
    if (line === 'ready') return ready.resolve()
    const answer = JSON.parse(line) as ProbeAnswer
    const asked = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('status' in answer) asked?.resolve(answer.status)
    else asked?.reject(new Error(answer.error))
  })
  // A write to an agent that has ended; those who wait are told below.
  stdin.on('error', () => {})
  const failAll = (how: string): void => {
    const error = new Error(`${program.key} has ended: ${how}, ${program.lastWords()}`)
    ready.reject(error)
    for (const each of waiting.values()) each.reject(error)
  }
  // The promise never rejects.
  void program.ended.then(failAll)
  await ready.promise
  return (request) => {
    if (program.hasEnded()) return Promise.reject(new Error(`${program.key} has ended`))
    const asked = Promise.withResolvers<number>()
    const id = ++lastId
    waiting.set(id, asked)
    stdin.write(`${JSON.stringify({ id, ...request })}\n`)
    return asked.promise
  }
}
